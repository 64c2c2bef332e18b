"""Somebody with 500 friends: the sidebar is drawn again at every event, so what it costs may not grow with them."""

from __future__ import annotations

import functools
import re
import time

import pytest

from tests.webapp.support.chats import put_on_air
from tests.webapp.support.queries import queries_of
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.home import overview
from webapp.models import EventConnection, FriendRequest, Friendship, Stream, User, now

FRIENDS, LIVE, REQUESTS = 500, 60, 60


def make_people(app, prefix: str, count: int) -> list[int]:
    with app.app_context():
        users = [
            User(username=name, username_key=name, display_name=f"{prefix.title()} {n:03}", password_hash="")
            for n, name in enumerate(f"{prefix}-{n}" for n in range(count))
        ]
        db.session.add_all(users)
        db.session.commit()
        return [user.id for user in users]


def befriend(app, username: str, ids: list[int]) -> None:
    with app.app_context():
        mine = accounts.find(username).id
        db.session.add_all(Friendship(low_id=min(mine, other), high_id=max(mine, other)) for other in ids)
        db.session.commit()


@pytest.fixture
def crowd(app, alice):
    """Alice's friends, some of them live, and as many again who want to be."""
    friends = make_people(app, "friend", FRIENDS)
    befriend(app, "alice", friends)
    strangers = make_people(app, "stranger", REQUESTS)
    with app.app_context():
        mine = accounts.find("alice").id
        for owner in friends[:LIVE]:
            db.session.add(Stream(owner_id=owner, title="A title of usual length", state="live", live_at=now()))
        for sender in strangers:
            db.session.add(FriendRequest(sender_id=sender, receiver_id=mine, low_id=mine, high_id=sender))
        for friend in friends[::2]:
            db.session.add(EventConnection(user_id=friend, expires_at=now().replace(year=2100)))
        db.session.commit()


def test_the_sidebar_has_an_end_and_the_counts_are_whole(alice, crowd):
    page = alice.get("/").text
    assert [page.count(f'id="{kind}-') for kind in ("request", "live-friend", "friend-friend")] == [overview.SIDEBAR_MAX] * 3
    for words in (
        f"Requests <span>{REQUESTS}</span>",
        f"Live now <span>{LIVE}</span>",
        f"Friends <span>{FRIENDS - LIVE}</span>",
        f'<span id="live-count">{LIVE}</span>',
        "All friends and requests",
    ):
        assert words in page
    assert f"Your {FRIENDS} friends. They are told when you start." in alice.get("/live").text


def test_the_friends_page_has_everybody(alice, crowd):
    page = alice.get("/friends").text
    main = page[page.index("<main") : page.index("</main>")]
    assert len(re.findall(r">\s*Accept\s*<", main)) == REQUESTS
    assert len(re.findall(r"Listen\s*<", main)) == LIVE
    assert main.count("person--link") == FRIENDS - LIVE
    assert main.index("Friend 060") < main.index("Friend 499")


def test_a_small_sidebar_is_not_cut(alice, bob):
    assert "All friends and requests" not in alice.get("/").text
    assert "bob" in alice.get("/friends").text


QUERIES = {
    "/": 9,
    "/sidebar?page=/": 6,
    "/friends/": 8,
    "/live": 9,
    "/listen/bob": 12,
    "/recordings/friends": 10,
    "/api/friends": 4,
}
"""The most that each page may ask of the database, the log-in included. One more is 0.3 to 1 ms."""


@pytest.mark.parametrize(("path", "most"), QUERIES.items())
def test_a_page_asks_the_database_as_often_with_many_friends(app, alice, bob, crowd, path, most):
    alice.get(path)
    with queries_of(app) as queries:
        assert alice.get(path).status_code == 200
    assert len(queries) <= most


def test_a_ticket_to_listen_asks_little_and_nothing_after_it_is_written(app, alice, bob):
    put_on_air(app, "bob")
    ask = functools.partial(alice.post, "/api/stream/listen/bob")
    ask()
    with queries_of(app) as queries:
        assert ask().status_code == 200
    assert len(queries) <= 9
    assert queries[-1].startswith("INSERT INTO stage_seat")


def test_what_an_event_costs_does_not_grow_with_the_friends(app, alice, bob, crowd):
    def cost(person) -> tuple[int, int, float]:
        """Queries, bytes and seconds of CPU of one look at the sidebar."""
        times = []
        with queries_of(app) as queries:
            for _ in range(5):
                began = time.thread_time()
                answer = person.get("/sidebar?page=/")
                times.append(time.thread_time() - began)
        return len(queries) // 5, len(answer.data), min(times)

    many, few = cost(alice), cost(bob)
    assert many[0] == few[0]
    assert many[1] < 150_000
    assert many[2] < 0.3, "0.03 s on a machine at rest"
