"""What a first visit loads."""

import pytest

from tests.e2e.people import Person

MAX_KB = 350


def loaded(person, path: str, *, audio_server: bool = False) -> dict[str, int]:
    """Returns the bytes per address that a browser loads when it has never been here before."""
    devtools = person.context.new_cdp_session(person.page)
    devtools.send("Network.enable")
    devtools.send("Network.clearBrowserCache")
    addresses, sizes = {}, {}
    devtools.on("Network.requestWillBeSent", lambda event: addresses.__setitem__(event["requestId"], event["request"]["url"]))
    devtools.on("Network.loadingFinished", lambda event: sizes.__setitem__(event["requestId"], event["encodedDataLength"]))
    person.page.goto(person.url + path, wait_until="load")
    if audio_server:
        person.page.wait_for_function("() => globalThis.LivekitClient")
    arrived = 0
    while arrived < len(sizes):  # what scripts load afterwards, until half a second brings nothing more
        arrived = len(sizes)
        person.page.wait_for_timeout(500)
    devtools.detach()
    return {addresses[request]: int(size) for request, size in sizes.items() if request in addresses}


@pytest.fixture(scope="module")
def friends(instance, browser):
    """Registers one pair for all tests here, which change nothing."""
    alice, bob = (Person.arrive(browser, instance.url, name).register() for name in ("alice", "bob"))
    alice.befriend(bob)
    yield alice, bob
    for person in (alice, bob):
        person.leave()
        assert not person.real_problems


@pytest.mark.parametrize(
    ("path", "needs_audio_server"),
    [
        ("/", False),
        ("/recordings/", False),
        ("/settings/", False),
        ("/difference", False),
        ("/invites", False),
        ("/friends", False),
        ("/live", True),
        ("/listen/FRIEND", True),
    ],
)
def test_a_first_visit_is_light(friends, path, needs_audio_server):
    alice, bob = friends
    found = loaded(alice, path.replace("FRIEND", bob.username), audio_server=needs_audio_server)
    assert 20 < sum(found.values()) / 1000 < MAX_KB, found
    assert any("livekit-client" in address for address in found) == needs_audio_server


def test_a_visitor_loads_little(arrive):
    found = loaded(arrive("visitor"), "/login")
    assert sum(found.values()) / 1000 < 150, found
