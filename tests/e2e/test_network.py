"""Three browsers: one is live, two listen, and one of those loses the network and gets it back."""

import os
import signal
import time
from contextlib import contextmanager

import psutil
import pytest
from playwright.sync_api import expect

from tests.e2e import sounds

AWAY_S = 12


def network_processes() -> set[int]:
    """Returns the processes that send and receive for each Chromium, WebRTC included."""
    family = psutil.Process().children(recursive=True)
    return {child.pid for child in family if "--utility-sub-type=network.mojom.NetworkService" in child.cmdline()}


@pytest.fixture
def charlie_and_network(chromium, arrive):
    """Registers Charlie in another browser, and finds the process that is its network."""
    before = network_processes()
    with chromium.launch("--autoplay-policy=no-user-gesture-required") as browser:
        charlie = arrive("charlie", browser=browser).register()
        (network,) = network_processes() - before
        yield charlie, network


@contextmanager
def unplugged(network: int):
    os.kill(network, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(network, signal.SIGCONT)


@pytest.mark.alone
def test_a_listener_who_loses_the_network_hears_again_and_nobody_else_notices(friends, charlie_and_network):
    alice, bob = friends
    charlie, network = charlie_and_network
    alice.befriend(charlie)
    alice.go_live("Kitchen radio")
    for listener in (bob, charlie):
        listener.listen_to(alice)
        listener.hears_speech(within_s=10)
        listener.page.evaluate("window.sameDocument = true")
    expect(alice.page.get_by_role("heading", name="2 listening")).to_be_visible()

    mark = bob.page.evaluate("heard.mark()")
    with unplugged(network):
        time.sleep(AWAY_S)  # the time is what happens: neither a moment nor for good
    lost = charlie.page.get_by_text("Connection lost, reconnecting. The recording is safe.")
    began = time.monotonic()
    charlie.hears_speech(within_s=20)
    assert time.monotonic() - began < 20
    expect(lost).to_be_hidden()
    expect(charlie.page.get_by_role("button", name="Pause")).to_be_visible()
    assert charlie.page.evaluate("window.sameDocument")
    alice.expect_state("Live - noise removed")
    expect(alice.page.get_by_role("heading", name="2 listening")).to_be_visible()

    heard = sounds.of_text(bob.page.evaluate("start => heard.take(start)", mark))
    assert max(sounds.silences(heard), default=0) < 3, "the source pauses for two seconds"
