"""Live and listening on a phone, upright and on its side: the main controls lie under the thumb, and nothing covers them."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import PICTURES

UPRIGHT, ON_ITS_SIDE = {"width": 390, "height": 844}, {"width": 844, "height": 390}


@pytest.fixture
def friends(join):
    alice, bob = (join(name, viewport=UPRIGHT, is_mobile=True, has_touch=True) for name in ("alice", "bob"))
    alice.befriend(bob)
    return alice, bob


def test_main_controls_lie_under_the_thumb(friends):
    alice, bob = friends
    alice.go_live("Morning show")
    bob.listen_to(alice)
    stop, pause = (person.page.get_by_role("button", name=name) for person, name in ((alice, "Stop Streaming"), (bob, "Pause")))
    for name, screen in (("upright", UPRIGHT), ("side", ON_ITS_SIDE)):
        for person, control, page in ((alice, stop, "live"), (bob, pause, "listen")):
            person.page.set_viewport_size(screen)
            person.page.evaluate("scrollTo(0, 0)")
            person.page.screenshot(path=PICTURES / f"{page}-phone-{name}.png")
            box = control.bounding_box()
            assert screen["height"] / 2 < box["y"] + box["height"] <= screen["height"], (page, name, box)
    bob.go_live("Evening show")
    bar = alice.page.get_by_role("region", name="A friend is live")
    expect(bar).to_be_visible()
    alice.page.screenshot(path=PICTURES / "live-phone-side-told.png")
    stop.click(trial=True)  # fails when something lies over it
    assert stop.bounding_box()["y"] < bar.bounding_box()["y"]
