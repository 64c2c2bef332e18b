"""Events are held to their descriptions in every test (tests.webapp.support.events): here, that this notices."""

from __future__ import annotations

import pytest

from tests.webapp.support.events import problem_of
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.events import kinds, outbox


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("friend.online", {"username": "bob"}, ""),
        ("friend.renamed", {"username": "bob", "display_name": "Bob", "avatar": None}, ""),
        ("friend.vanished", {}, "described nowhere"),
        ("friend.online", {}, "carries"),
        ("friend.online", {"username": "bob", "mood": "good"}, "carries"),
        ("friend.online", {"username": 7}, "username"),
        ("chat.reaction", {"stream": "a", "kind": "heart", "counts": {"heart": "many"}}, "counts"),
        ("chat.message", {"stream": "a", "message": {"id": "b"}}, "username"),
    ],
)
def test_an_event_that_differs_from_its_description_is_noticed(kind, data, problem):
    found = problem_of(kind, data)
    assert problem in found
    assert bool(found) is bool(problem)


def test_what_a_test_publishes_is_held_to_its_description(app, alice):
    with app.app_context():
        outbox.publish([accounts.find("alice").id], "friend.online", {"mood": "good"})
        with pytest.raises(AssertionError, match=r"carries \['mood'\]"):
            db.session.flush()


def test_a_person_reads_what_it_carries_and_when_it_is_sent():
    assert kinds.description("chat.deleted") == (
        "stream, id. A message was deleted. Sent to everybody who may read the chat and is online."
    )
    assert kinds.description("resync").startswith("no data. Too much was missed")


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_kind_is_described_in_sentences(kind):
    assert kinds.KINDS[kind].__doc__.endswith(".")
