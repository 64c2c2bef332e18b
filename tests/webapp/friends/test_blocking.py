"""Blocking: Alice blocks people, who are not told; for them she is a name that nobody has."""

from __future__ import annotations

import re
import threading

import pytest
from sqlalchemy import func, select

from webapp.accounts import accounts
from webapp.auth import invites
from webapp.core.database import db
from webapp.core.errors import ApiError
from webapp.friends import blocking, blocks, requests
from webapp.models import Block, Friendship


def block(person, username: str):
    form = {"csrf_token": person.csrf_token, "username": username}
    return person.client.post("/settings/blocked", data=form, follow_redirects=True)


def unblock(person, username: str):
    path = f"/settings/blocked/{username}/remove"
    return person.client.post(path, data={"csrf_token": person.csrf_token}, follow_redirects=True)


def found(person, words: str) -> dict[str, str]:
    return {user["username"]: user["relation"] for user in person.get(f"/api/search?q={words}").json["users"]}


def friends(person) -> list[str]:
    return [friend["username"] for friend in person.get("/api/friends").json["friends"]]


def test_blocking_ends_a_friendship_for_both(alice, bob):
    page = block(alice, "BOB")
    assert "bob is blocked and will not be told." in page.text
    assert re.search(r"Unblock\s*<span", page.text)
    assert friends(alice) == friends(bob) == []
    assert bob.get("/listen/alice").status_code == 404
    assert "is blocked" not in bob.get("/").text


@pytest.mark.parametrize("who_asked", ["alice", "charlie"])
def test_blocking_closes_an_open_request_whoever_sent_it(alice, charlie, who_asked):
    request_id = alice.ask(charlie) if who_asked == "alice" else charlie.ask(alice)
    with charlie.events() as his:
        block(alice, "charlie")
        assert his.next() == ("friend_request.closed", {"id": request_id})
    receiver = charlie if who_asked == "alice" else alice
    assert receiver.post(f"/api/friend-request/{request_id}/respond", {"action": "accept"}).status_code == 409
    assert charlie.get("/api/friend-requests/pending").json == {"received": [], "sent": []}


def test_who_is_blocked_neither_finds_nor_asks(alice, charlie):
    block(alice, "charlie")
    assert found(charlie, "alice") == {}
    refused = charlie.post("/api/friend-request/send", {"username": "alice"})
    unknown = charlie.post("/api/friend-request/send", {"username": "nobody-here"})
    assert (refused.status_code, refused.data) == (unknown.status_code, unknown.data)
    assert block(charlie, "alice").text.count("There is no user with this name.") == 1


def test_who_has_blocked_somebody_sees_so_and_unblocks_before_asking(alice, charlie):
    block(alice, "charlie")
    assert found(alice, "charlie") == {"charlie": "blocked"}
    refused = alice.post("/api/friend-request/send", {"username": "charlie"})
    assert (refused.status_code, refused.json["error"]["message"]) == (
        409,
        "You have blocked charlie. Unblock them first, in Settings, Privacy.",
    )
    assert "charlie is no longer blocked." in unblock(alice, "charlie").text
    charlie.befriend(alice)


def test_unblocking_brings_no_friendship_again(alice, bob):
    block(alice, "bob")
    unblock(alice, "bob")
    assert friends(alice) == friends(bob) == []
    assert found(alice, "bob") == {"bob": "none"}
    assert unblock(alice, "bob").status_code == 404


def test_of_two_who_block_each_other_one_cannot_undo_both(app, alice, bob):
    block(alice, "bob")
    with app.app_context():
        db.session.add(Block(blocker_id=accounts.find("bob").id, blocked_id=accounts.find("alice").id))
        db.session.commit()
    unblock(alice, "bob")
    assert found(alice, "bob") == {}
    assert alice.post("/api/friend-request/send", {"username": "bob"}).status_code == 404


def test_an_invite_link_does_not_lead_around_it(app, alice, charlie):
    with app.app_context():
        link = f"/invite/{invites.make(accounts.find('alice')).id}"
    block(alice, "charlie")
    unknown = charlie.get(f"/invite/{'0' * 32}")
    assert (charlie.get(link).status_code, unknown.status_code) == (404, 404)
    assert charlie.post(link).status_code == 404
    assert friends(alice) == []


def test_who_has_blocked_the_inviter_is_told_to_unblock_first(app, alice, charlie):
    with app.app_context():
        link = f"/invite/{invites.make(accounts.find('charlie')).id}"
    block(alice, "charlie")
    answer = alice.post(link)
    assert answer.status_code == 409
    assert "You have blocked charlie." in answer.text
    assert friends(alice) == []


@pytest.mark.parametrize(
    ("username", "status", "words"),
    [
        ("alice", 422, "That is you."),
        ("nobody-here", 404, "There is no user with this name. Check the spelling."),
        ("", 404, "There is no user with this name."),
        ("x" * 1000, 404, "There is no user with this name."),
        ("<script>", 404, "&lt;script&gt;"),
    ],
)
def test_nobody_else_can_be_blocked(alice, username, status, words):
    answer = block(alice, username)
    assert answer.status_code == status
    assert words in answer.text


def test_blocking_twice_does_no_harm(app, alice, charlie):
    assert block(alice, "charlie").status_code == block(alice, "charlie").status_code == 200
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Block)) == 1


def test_whoever_asks_or_accepts_at_the_same_moment_is_no_friend_afterwards(app, alice, charlie):
    """Many at once, in an order that nobody knows: at the end there is the block and no friendship."""

    def attempt(act):
        def run():
            with app.app_context():
                one, other = accounts.find("alice"), accounts.find("charlie")
                try:
                    act(one, other)
                except ApiError:
                    db.session.rollback()

        return threading.Thread(target=run)

    for _ in range(5):
        threads = [
            attempt(lambda one, other: requests.send(other, "alice")),
            attempt(lambda one, other: requests.send(one, "charlie")),
            attempt(lambda one, other: blocking.block(one, "charlie")),
            attempt(lambda one, other: requests.send(other, "alice")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with app.app_context():
            assert blocks.has_blocked(accounts.find("alice"), accounts.find("charlie"))
            assert db.session.scalar(select(func.count()).select_from(Friendship)) == 0
            assert requests.requests_of(accounts.find("alice")) == requests.Requests([], [])
            blocking.unblock(accounts.find("alice"), "charlie")
