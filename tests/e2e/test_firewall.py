"""A network that lets pages and signals through, and no packets of sound."""

import pytest
from playwright.sync_api import expect

WORDS = "Connected, but no sound gets through. A firewall may block it."
WITHIN_MS = 30_000
"""The SDK gives a connection 15 s to come about."""


@pytest.fixture(scope="module")
def behind_a_firewall(chromium):
    """A browser that may send no UDP, on an instance whose sound knows no other way: each Stillair for one machine is one."""
    with chromium.launch("--webrtc-ip-handling-policy=disable_non_proxied_udp") as browser:
        yield browser


def test_the_broadcaster_is_told(join, behind_a_firewall):
    alice = join("alice", browser=behind_a_firewall)
    alice.open("/live")
    alice.page.get_by_role("button", name="Start Streaming").click()
    expect(alice.notice(WORDS)).to_be_visible(timeout=WITHIN_MS)
    alice.expect_state("Starting")


def test_a_listener_is_told(join, behind_a_firewall):
    alice, bob = join("alice"), join("bob", browser=behind_a_firewall)
    alice.befriend(bob)
    alice.go_live()
    bob.open(f"/listen/{alice.username}")
    expect(bob.notice(WORDS)).to_be_visible(timeout=WITHIN_MS)
    expect(bob.page.get_by_text("Connecting", exact=True)).to_be_visible()
    expect(bob.page.get_by_text("Connection lost")).to_be_hidden()
