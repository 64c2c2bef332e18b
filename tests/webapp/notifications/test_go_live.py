"""Who is told that a friend is live, and how people choose."""

from __future__ import annotations

import re

import pytest

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Stream
from webapp.notifications import go_live as notifications_go_live
from webapp.streams import state

PATH = "/settings/notifications"


def chosen(person) -> dict[str, bool]:
    """The settings page's boxes."""
    boxes = re.findall(r'name="wanted"\s+value="([^"]+)"( checked)?', person.get(PATH).text)
    return {username: bool(checked) for username, checked in boxes}


def choose(person, shown: list[str], wanted: list[str]) -> None:
    assert person.request("POST", PATH, data={"shown": shown, "wanted": wanted}).status_code == 303


def go_live(app, username: str) -> None:
    with app.app_context():
        stream = Stream(owner=accounts.find(username), title="Morning show", state="starting")
        db.session.add(stream)
        db.session.commit()
        state.move(stream, "live")


def test_one_is_told_of_all_friends_until_one_chooses(alice, bob, visit):
    dora = visit("dora").register()
    dora.befriend(alice)
    assert chosen(alice) == {"bob": True, "dora": True}
    choose(alice, ["bob", "dora"], ["dora"])
    assert chosen(alice) == {"bob": False, "dora": True}
    choose(alice, ["bob", "dora"], ["bob"])
    assert chosen(alice) == {"bob": True, "dora": False}


def test_a_friend_who_came_after_the_page_was_drawn_stays_on(alice, bob, visit):
    visit("dora").register().befriend(alice)
    choose(alice, ["bob"], [])
    assert chosen(alice) == {"bob": False, "dora": True}


@pytest.mark.parametrize("names", [["charlie"], ["nobody"], ["alice"], ["' OR 1=1"], ["\x00"], ["bob"] * 3000])
def test_only_friends_can_be_chosen(app, alice, bob, charlie, names):
    choose(alice, names, [])
    with app.app_context():
        off = notifications_go_live.muted_friend_ids(accounts.find("alice"))
        assert off == ({accounts.find("bob").id} if "bob" in names else set())


def test_pages_of_friends_are_told_but_for_those_who_do_not_want_it(app, alice, bob, charlie, visit):
    dora = visit("dora").register()
    dora.befriend(alice)
    choose(dora, ["alice"], [])
    with bob.events() as his, dora.events() as hers, charlie.events() as strangers:
        go_live(app, "alice")
        assert his.next()[0] == "stream.live"
        assert his.next() == ("notice.live", {"username": "alice", "display_name": "alice", "title": "Morning show"})
        request_id = charlie.ask(dora)
        dora.post(f"/api/friend-request/{request_id}/respond", {"action": "accept"})
        assert [hers.next()[0] for _ in range(2)] == ["stream.live", "friend_request.received"]
        assert strangers.next()[0] == "friend_request.accepted"
