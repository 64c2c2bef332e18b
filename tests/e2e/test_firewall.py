"""Checks a network that lets pages and signalling through, but no sound. test_outside.py has networks with a way round."""

import pytest
from playwright.sync_api import expect

WORDS = "Connected, but no sound gets through. A firewall may block it."
WITHIN_MS = 30_000
"""The SDK waits 15 s for a connection."""


@pytest.fixture(scope="module")
def behind_a_firewall(chromium):
    """Starts a browser that may send no UDP. An instance for this machine alone offers no other way."""
    with chromium.launch(
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--autoplay-policy=no-user-gesture-required",
    ) as browser:
        yield browser


def test_broadcaster_and_listener_are_told(join, behind_a_firewall):
    carol = join("carol")
    alice, bob = (join(name, browser=behind_a_firewall) for name in ("alice", "bob"))
    for person in (alice, bob):
        person.expected = ("WebSocket is already in CLOSING",)  # the SDK gives up a connection that the firewall has broken
    carol.befriend(bob)
    carol.go_live()
    alice.open("/live")
    alice.page.get_by_role("button", name="Start Streaming").click()
    bob.open(f"/listen/{carol.username}")
    expect(alice.notice(WORDS)).to_be_visible(timeout=WITHIN_MS)
    alice.expect_state("Starting")
    expect(bob.notice(WORDS)).to_be_visible(timeout=WITHIN_MS)
    expect(bob.page.get_by_text("Connecting", exact=True)).to_be_visible()
    expect(bob.page.get_by_text("Connection lost")).to_be_hidden()
    expect(bob.page.get_by_role("alert").get_by_role("link", name="Check my set-up")).to_be_visible()
    alice.page.get_by_role("alert").get_by_role("link", name="Check my set-up").click()
    expect(alice.page.get_by_role("button", name="Start the check")).to_be_visible()


def test_the_check_of_a_set_up_names_the_port_to_open(instance, join, behind_a_firewall):
    alice = join("alice", browser=behind_a_firewall)
    found = alice.check_set_up()
    assert found["Audio server"].startswith("Works.")
    assert found["Sound over UDP"].startswith("Problem. Something blocks it.")
    assert f"port {instance.settings.ports.webrtc_udp} " in found["Sound over UDP"]
    assert found["Sound over TCP"] == "Not needed. This server does not offer it."
    assert found["Sound there and back"].startswith("Problem. A firewall blocks it.")
    expect(alice.page.get_by_text("2 things need attention.").first).to_be_visible()
