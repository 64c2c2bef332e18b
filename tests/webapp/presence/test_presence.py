"""`GET /events` with its real poller thread; other processes are a second app on the same database."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.events import outbox
from webapp.models import Event, EventConnection, now
from webapp.presence import hub as presence_hub
from webapp.presence import presence


@pytest.fixture(autouse=True)
def no_poller_outlives_its_test():
    yield
    for thread in threading.enumerate():
        if thread.name == "event-poller":
            thread.join(timeout=5)
            assert not thread.is_alive()


def publish(app, username: str, kind: str, **data: object) -> int:
    with app.app_context():
        outbox.publish([accounts.find(username).id], kind, data)
        db.session.commit()
        return outbox.latest_id()


def test_a_friend_request_is_told_to_both_as_it_goes_on(alice, charlie):
    with alice.events() as hers, charlie.events() as his:
        request_id = charlie.ask(alice)
        kind, data = hers.next()
        assert (kind, data["id"], data["username"]) == ("friend_request.received", request_id, "charlie")
        assert data["created_at"].endswith("Z")
        alice.post(f"/api/friend-request/{request_id}/respond", {"action": "accept"})
        assert hers.next() == ("friend_request.accepted", {"id": request_id, "username": "charlie"})
        assert his.next() == ("friend_request.accepted", {"id": request_id, "username": "alice"})
        alice.delete("/api/friends/charlie")
        assert hers.next() == ("friend.removed", {"username": "charlie"})
        assert his.next() == ("friend.removed", {"username": "alice"})


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_a_request_that_is_closed_disappears_for_both(alice, charlie, end):
    request_id = charlie.ask(alice)
    with alice.events() as hers, charlie.events() as his:
        if end == "reject":
            alice.post(f"/api/friend-request/{request_id}/respond", {"action": "reject"})
        else:
            charlie.delete(f"/api/friend-request/{request_id}")
        assert hers.next() == his.next() == ("friend_request.closed", {"id": request_id})


def test_events_of_others_are_not_told(app, alice, charlie):
    with alice.events() as hers:
        publish(app, "charlie", "test", secret=1)
        publish(app, "alice", "test", number=2)
        assert hers.next() == ("test", {"number": 2})


def test_an_event_is_told_only_when_its_change_is_committed(app, alice):
    with alice.events() as hers:
        with app.app_context():
            outbox.publish([accounts.find("alice").id], "test", {"kept": False})
            db.session.rollback()
        publish(app, "alice", "test", kept=True)
        assert hers.next() == ("test", {"kept": True})


def test_a_commit_of_this_process_is_told_at_once(app, alice, monkeypatch):
    monkeypatch.setattr(presence_hub, "POLL_S", 60)
    with alice.events() as hers:
        publish(app, "alice", "test.first")
        assert hers.next()[0] == "test.first"
        started = time.monotonic()
        publish(app, "alice", "test.second")
        assert hers.next()[0] == "test.second"
        assert time.monotonic() - started < 2


def test_a_commit_of_another_process_is_told_too(make_app, app, alice):
    elsewhere = make_app()
    with alice.events() as hers:
        publish(elsewhere, "alice", "test", number=1)
        assert hers.next() == ("test", {"number": 1})


def test_a_stream_resumes_after_the_last_event_id(app, alice):
    with alice.events() as hers:
        publish(app, "alice", "test", number=1)
        hers.next()
        last_id = hers.last_id
    for number in (2, 3):
        publish(app, "alice", "test", number=number)
    with alice.events(headers={"Last-Event-ID": str(last_id)}) as hers:
        assert [hers.next()[1]["number"] for _ in range(2)] == [2, 3]


def test_a_page_goes_on_from_where_it_was_drawn(app, alice):
    drawn = publish(app, "alice", "test", number=1)
    publish(app, "alice", "test", number=2)
    with alice.events(f"/events?after={drawn}") as hers:
        assert hers.next() == ("test", {"number": 2})
    with alice.events(f"/events?after={drawn}", headers={"Last-Event-ID": str(drawn + 1)}) as hers:
        publish(app, "alice", "test", number=3)
        assert hers.next() == ("test", {"number": 3})


def test_a_stream_whose_events_are_gone_starts_over_with_resync(app, alice):
    first = publish(app, "alice", "test", number=1)
    publish(app, "alice", "test", number=2)
    publish(app, "alice", "test", number=3)
    with app.app_context():
        db.session.execute(update(Event).values(at=now() - timedelta(days=1, minutes=1)))
        outbox.prune()
        db.session.commit()
        assert db.session.scalars(select(Event.data)).all() == [{"number": 3}]
    with alice.events(f"/events?after={first}") as hers:
        assert hers.next() == ("resync", {})
        publish(app, "alice", "test", number=4)
        assert hers.next() == ("test", {"number": 4})


def test_an_id_of_another_database_starts_over_with_resync(alice):
    with alice.events("/events?after=12345678") as hers:
        assert hers.next() == ("resync", {})


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "١", "9" * 30, "1;2"])
def test_an_id_that_is_none_is_refused(alice, after):
    assert alice.get("/events", query_string={"after": after}).status_code == 422


def test_a_stream_ends_with_the_log_in(app, alice, visit):
    other = visit("alice").log_in()
    with alice.events() as hers:
        alice.post("/api/logout")
        publish(app, "alice", "test")
        with pytest.raises(StopIteration):
            hers.next()
    assert other.get("/api/friends").status_code == 200


def test_a_stream_ends_when_the_process_stops(app, alice):
    hub = app.extensions["events"]
    with alice.events() as hers:
        hub.stop()
        started = time.monotonic()
        with pytest.raises(StopIteration):
            hers.next()
        assert time.monotonic() - started < 3
    assert alice.get("/events").status_code == 503


def test_the_budget_of_a_person_is_kept_and_given_back(app, alice, bob):
    most = app.config["STILLAIR"].event_streams_per_person
    streams = [alice.events() for _ in range(most)]
    refused = alice.get("/events")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) == 10
    assert refused.json["error"]["code"] == "busy"
    with bob.events():
        pass
    streams.pop().__exit__()
    with alice.events():
        pass
    for stream in streams:
        stream.__exit__()


def test_the_budget_of_the_process_is_kept(make_app, visit_app):
    app = make_app(event_streams=2)
    people = [visit_app(app, name).register() for name in ("ana", "ben", "cleo")]
    with people[0].events(), people[1].events():
        assert people[2].get("/events").status_code == 503
        assert people[2].get("/api/friends").status_code == 200


def test_friends_are_told_who_comes_and_goes(app, alice, bob, charlie):
    with alice.events() as hers:
        with bob.events():
            assert hers.next() == ("friend.online", {"username": "bob"})
            assert alice.get("/api/friends").json["friends"][0]["online"] is True
        expire(app, "bob")
        kind, data = hers.next()
        assert (kind, data["username"]) == ("friend.offline", "bob")
        friend = alice.get("/api/friends").json["friends"][0]
        assert (friend["online"], friend["last_seen"]) == (False, data["last_seen"])


def test_a_second_page_and_the_way_to_another_one_are_not_told(app, alice, bob):
    with alice.events() as hers:
        with bob.events():
            assert hers.next() == ("friend.online", {"username": "bob"})
            with bob.events():
                pass
        with bob.events():  # within the grace
            publish(app, "alice", "test")
            assert hers.next() == ("test", {})


def test_somebody_whose_server_died_goes_offline_by_himself(app, alice, bob):
    with app.app_context():
        presence.connect(accounts.find("bob").id, "of a dead process", watching=True)
    assert alice.get("/api/friends").json["friends"][0]["online"] is True
    with alice.events() as hers:
        expire(app, "bob")
        assert hers.next()[0] == "friend.offline"
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(EventConnection.id == "of a dead process")) == 0


def test_who_was_given_up_while_the_machine_slept_comes_back(app, alice, bob):
    hub = app.extensions["events"]
    with alice.events() as hers, bob.events():
        assert hers.next()[0] == "friend.online"
        expire(app, "bob")
        assert hers.next()[0] == "friend.offline"
        with app.app_context():
            hub._heartbeat()
        assert hers.next() == ("friend.online", {"username": "bob"})


def test_open_streams_are_kept_online(app, alice, bob):
    hub = app.extensions["events"]
    with bob.events(), app.app_context():
        before = db.session.scalar(select(EventConnection.expires_at))
        hub._heartbeat()
        db.session.expire_all()
        assert db.session.scalar(select(EventConnection.expires_at)) > before


def expire(app, username: str) -> None:
    """Lets the time of somebody's connections run out."""
    with app.app_context():
        rows = update(EventConnection).where(EventConnection.user_id == accounts.find(username).id)
        db.session.execute(rows.values(expires_at=now() - timedelta(seconds=1)))
        db.session.commit()
