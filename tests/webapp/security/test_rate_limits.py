"""How often one person may search, start and listen; what each limit says, and that other people go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.webapp.support.chats import put_on_air
from webapp.core.database import db
from webapp.models import Event, StageSeat, Stream, now
from webapp.notifications import go_live
from webapp.security import rate_limits
from webapp.streams import seats


@pytest.fixture
def allow(monkeypatch):
    """Lower a limit, so that a test reaches it soon."""

    def allow(limit: str, maximum: int) -> None:
        monkeypatch.setitem(rate_limits.LIMITS, limit, replace(rate_limits.LIMITS[limit], maximum=maximum))

    return allow


def refused(answer) -> str:
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "too_many")
    assert int(answer.headers["Retry-After"]) > 0
    return answer.json["error"]["message"]


def test_searches(alice, bob, allow):
    allow("search", 2)
    assert [alice.get("/api/search?q=bob").status_code for _ in range(2)] == [200, 200]
    assert "You have searched for people too often in the last hour." in refused(alice.get("/api/search?q=bob"))
    page = alice.get("/search?q=bob")
    assert (page.status_code, page.headers["Retry-After"]) == (429, "3600")
    assert "Try again in 60 minutes." in page.text
    assert bob.get("/api/search?q=alice").status_code == 200
    assert alice.get("/api/search?q=a").status_code == 422, "what is too short is not searched for, and counts for nothing"


def test_tickets_to_listen_and_to_hear_oneself(app, alice, bob, allow):
    put_on_air(app, "alice")
    allow("seat", 2)
    assert [bob.post("/api/stream/listen/alice").status_code for _ in range(2)] == [200, 200]
    assert "The stream goes on." in refused(bob.post("/api/stream/listen/alice"))
    assert [alice.post("/api/stream/monitor").status_code for _ in range(2)] == [200, 200]
    assert refused(alice.post("/api/stream/monitor"))


def test_one_person_takes_no_more_than_some_seats_and_the_newest_ones_stay(app, alice, bob, monkeypatch):
    stream_id = put_on_air(app, "alice")
    monkeypatch.setattr(seats, "MAX_SEATS", 3)
    given = []
    for _ in range(5):
        assert bob.post("/api/stream/listen/alice").status_code == 200
        with app.app_context():
            now_there = set(db.session.scalars(select(StageSeat.id).where(StageSeat.stream_id == stream_id)))
        given += now_there - set(given)
    assert now_there == set(given[-3:])


def test_starts_count_when_they_succeed(alice, allow):
    allow("start", 1)
    for _ in range(3):
        assert alice.post("/api/stream/start").status_code == 503, "no audio server runs here"
    with alice.client.application.app_context():
        rate_limits.record("start", 1)
        db.session.commit()
    assert "What you have recorded is safe." in refused(alice.post("/api/stream/start"))


def test_friends_are_not_called_each_time_when_somebody_starts_and_stops_again_and_again(app, alice, bob, allow):
    allow("live notice", 2)
    for _ in range(4):
        stream_id = put_on_air(app, "alice")
        with app.app_context():
            stream = db.session.get_one(Stream, stream_id)
            go_live.publish_live(stream)
            stream.state, stream.ended_at = "ended", now()
            db.session.commit()
    with app.app_context():
        assert len(db.session.scalars(select(Event).where(Event.kind == "notice.live")).all()) == 2
