"""A network that lets pages and signals through, and no packets of sound: where there is no other way, and where there is one."""

import os
import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from launcher.settings import Settings
from tests.instance import Instance, started
from tests.webapp.post_office import certificate

WORDS = "Connected, but no sound gets through. A firewall may block it."
WITHIN_MS = 30_000
"""The SDK gives a connection 15 s to come about."""


RELAY = "relay.test"
HTTPS = 443
"""livekit-server tells this port to browsers, whatever it listens on itself."""


@pytest.fixture(scope="module")
def behind_a_firewall(chromium):
    """A browser that may send no UDP. A Stillair for one machine knows no other way for sound."""
    with chromium.launch(
        "--webrtc-ip-handling-policy=disable_non_proxied_udp", "--autoplay-policy=no-user-gesture-required",
        f"--host-resolver-rules=MAP {RELAY} 127.0.0.1", "--ignore-certificate-errors",
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def for_friends_outside(tmp_path_factory) -> Iterator[Instance]:
    """A Stillair on the machine's address in its network, with a relay where tests may listen on port 443."""
    folder = tmp_path_factory.mktemp("outside")
    outside = Settings.of(data=folder, host="0.0.0.0", port=None, environment={})
    assert outside.node_ip != "127.0.0.1", "This machine has no network, and sound over TCP is for others."
    settings = relay(certificate(folder)) if may_relay() else {}
    with started(folder / "data", STILLAIR_NODE_IP=outside.node_ip, **settings) as running:
        yield running


def may_relay() -> bool:
    try:
        socket.create_server(("127.0.0.1", HTTPS)).close()
    except OSError:
        return False
    return True


def relay(pem) -> dict[str, str]:
    return {
        "LIVEKIT_TURN_ENABLED": "true", "LIVEKIT_TURN_DOMAIN": RELAY, "LIVEKIT_TURN_TLS_PORT": str(HTTPS),
        "LIVEKIT_TURN_BIND_ADDRESSES": "127.0.0.1", "LIVEKIT_TURN_CERT_FILE": str(pem), "LIVEKIT_TURN_KEY_FILE": str(pem),
    }


def test_broadcaster_and_listener_are_told(join, behind_a_firewall):
    carol = join("carol")
    alice, bob = (join(name, browser=behind_a_firewall) for name in ("alice", "bob"))
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
    assert found["Audio server"].startswith("Well.")
    assert found["Sound over UDP"].startswith("Trouble. Something stops it.")
    assert f"port {instance.settings.ports.webrtc_udp} " in found["Sound over UDP"]
    assert found["Sound over TCP"] == "Not needed. This server does not offer it."
    assert found["Sound there and back"].startswith("Trouble. A firewall stops it.")
    expect(alice.page.get_by_text("2 things need a look.").first).to_be_visible()


def test_friends_outside_are_heard_over_tcp(for_friends_outside, arrive, behind_a_firewall):
    alice, bob = (arrive(name, url=for_friends_outside.url, browser=behind_a_firewall).register() for name in ("alice", "bob"))
    alice.befriend(bob)
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)


def test_the_check_says_which_ways_are_left(for_friends_outside, arrive, behind_a_firewall):
    alice = arrive("alice", url=for_friends_outside.url, browser=behind_a_firewall).register()
    found = alice.check_set_up()
    assert found["Sound over UDP"].startswith("Trouble. Something stops it, so sound takes a slower way and may stutter.")
    assert found["Sound over TCP"] == "Well. The second way for sound is open."
    assert found["Sound there and back"].startswith("Well.")
    if "LIVEKIT_TURN_ENABLED" not in os.environ:
        pytest.skip("The relay needs port 443, on which only root may listen here; all else was checked.")
    assert found["Relay (TURN)"] == "Well. The relay answers."
