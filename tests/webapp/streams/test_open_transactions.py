"""No transaction is open while another program is asked, so one that hangs holds up nobody who does not need it."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from sqlalchemy import delete, text, update

from contract import messages
from tests.webapp.support.audio_server import AudioServerDouble
from tests.webapp.support.chats import put_on_air
from tests.webapp.support.webhooks import deliver, hint
from webapp.accounts import accounts
from webapp.audio_server import client
from webapp.core.config import Config
from webapp.core.database import BACKGROUND_THREADS, db, refuse_open_transaction
from webapp.models import LoginSession, Stream, User, now
from webapp.streams import queries, reconcile, seats

LONG_S = 60.0


@pytest.fixture
def audio_server():
    with AudioServerDouble() as double:
        yield double


@pytest.fixture
def app(make_app, audio_server):
    """The double also plays the noise remover's health page."""
    return make_app(livekit_url=audio_server.url, agent_health_url=audio_server.url.replace("ws:", "http:"))


@pytest.fixture
def connections(app, audio_server) -> list[tuple[str, int]]:
    """Every call from here on, and how many database connections were in use when it came."""
    with app.app_context():
        pool = db.engine.pool
    found: list[tuple[str, int]] = []
    audio_server.on_call = lambda call: found.append((call, pool.checkedout()))
    return found


def change(app, stream_id, **values):
    with app.app_context():
        db.session.execute(update(Stream).where(Stream.id == stream_id).values(**values))
        db.session.commit()


def seat_for(app, stream_id, username):
    with app.app_context():
        seat = seats.give(db.session.get_one(Stream, stream_id), accounts.find(username))
        db.session.commit()
        return seat


def open_rooms(app, audio_server, stream_id, *people):
    """Rooms as the stream should have them, with `people` on the stage."""
    with app.app_context():
        rooms = queries.rooms_of(db.session.get_one(Stream, stream_id))
    audio_server.rooms[rooms.studio] = client.api.Room(name=rooms.studio, metadata=rooms.metadata)
    audio_server.rooms[rooms.stage] = client.api.Room(name=rooms.stage)
    audio_server.people[rooms.stage] = list(people)
    return rooms


class TestActs:
    """Bob streams; Alice is his friend, and the admin."""

    @pytest.fixture
    def stream(self, app, bob) -> str:
        return put_on_air(app, "bob")

    def test_start(self, bob, connections):
        assert bob.post("/api/stream/start").status_code == 201
        assert connections == [("health", 0), ("CreateRoom", 0), ("CreateRoom", 0), ("CreateDispatch", 0)]

    def test_start_that_fails(self, bob, connections, audio_server, monkeypatch):
        monkeypatch.setattr(client, "CALL_TIMEOUT_S", 0.2)
        audio_server.hang()
        assert bob.post("/api/stream/start").status_code == 503
        assert connections == [("health", 0), ("CreateRoom", 0), ("DeleteRoom", 0)]

    def test_go_live(self, bob, stream, connections):
        assert bob.post("/api/stream/go-live").status_code == 200
        assert connections == [("UpdateRoomMetadata", 0)]

    def test_title(self, bob, stream, connections):
        assert bob.post("/api/stream/title", {"title": "Evening show"}).status_code == 200
        assert connections == [("UpdateRoomMetadata", 0)]

    def test_rejoin(self, app, bob, stream, connections, audio_server):
        open_rooms(app, audio_server, stream)
        assert bob.post("/api/stream/rejoin").status_code == 200
        assert connections == [("ListRooms", 0), ("ListParticipants", 0)]

    def test_rejoin_when_the_rooms_are_gone(self, bob, stream, connections):
        assert bob.post("/api/stream/rejoin").status_code == 200
        assert connections == [("ListRooms", 0), ("CreateRoom", 0), ("CreateRoom", 0)]

    def test_stop(self, bob, stream, connections):
        assert bob.post("/api/stream/stop").status_code == 200
        assert connections == [("DeleteRoom", 0), ("DeleteRoom", 0)]

    def test_the_owner_asks_while_the_noise_remover_does_not_come(self, app, bob, stream, connections):
        change(app, stream, state="starting", live_at=None, dispatch_tries=2)
        assert bob.get("/api/stream/status/bob").status_code == 200
        assert connections == [("health", 0)]

    def test_a_friendship_ends(self, app, alice, stream, connections, audio_server):
        open_rooms(app, audio_server, stream, seat_for(app, stream, "alice"))
        assert alice.delete("/api/friends/bob").status_code == 204
        expected = ["CreateRoom", "CreateRoom", "UpdateRoomMetadata", "ListRooms", "ListParticipants", "RemoveParticipant"]
        assert connections == [(call, 0) for call in expected]

    def test_the_admin_ends_the_stream(self, alice, stream, connections):
        assert alice.post(f"/admin/live/{stream}/end").status_code == 303
        assert connections == [("DeleteRoom", 0), ("DeleteRoom", 0)]

    def test_the_status_of_the_server(self, alice, stream, connections):
        assert alice.get("/admin/").status_code == 200
        assert connections == [("health", 0), ("health", 0)]

    def test_the_admin_suspends_somebody(self, alice, stream, connections):
        put_on_air(alice.client.application, "alice")
        assert alice.post("/admin/people/bob/suspend").status_code == 303
        assert {call for call, _ in connections} == {"DeleteRoom", "CreateRoom", "UpdateRoomMetadata", "ListRooms"}
        assert {count for _, count in connections} == {0}

    def test_an_account_is_deleted(self, bob, stream, connections):
        assert bob.post("/settings/delete-account").status_code == 303
        assert connections == [("DeleteRoom", 0), ("DeleteRoom", 0), ("ListRooms", 0)]

    def test_a_set_up_is_checked(self, bob, connections):
        assert bob.get("/api/checkup").status_code == 200
        room_id = bob.post("/api/checkup/rooms").json["id"]
        assert bob.delete(f"/api/checkup/rooms/{room_id}").status_code == 204
        assert connections == [(call, 0) for call in ("health", "CreateRoom", "ListRooms", "ListParticipants", "DeleteRoom")]

    def test_the_health_of_all_parts(self, bob, connections):
        bob.get("/healthz")
        assert connections == [("health", 0), ("health", 0)]

    def test_a_sample_is_asked_for(self, bob, connections):
        assert bob.get("/difference/kitchen.json").status_code == 200
        assert connections == [("health", 0)]


class TestReconciler:
    @pytest.fixture
    def stream(self, app, alice) -> str:
        return put_on_air(app, "alice")

    def test_rooms_are_made_again(self, app, stream, connections):
        with app.app_context():
            reconcile.repair_all()
        assert connections == [("ListRooms", 0), ("CreateRoom", 0), ("CreateRoom", 0)]

    def test_people_who_are_not_invited_go_and_a_noise_remover_is_asked_for(self, app, stream, connections, audio_server):
        open_rooms(app, audio_server, stream, "mallory.1", "mallory.2")
        change(app, stream, dispatch_tries=1)
        with app.app_context():
            reconcile.repair_all()
        expected = ["ListRooms", *["ListParticipants"] * 2, *["RemoveParticipant"] * 2, "ListDispatch", "CreateDispatch"]
        assert connections == [(call, 0) for call in expected]

    def test_the_stage_moves_away_from_somebody_whose_log_in_has_ended(self, app, stream, bob, connections, audio_server):
        rooms = open_rooms(app, audio_server, stream)
        assert bob.post("/api/stream/listen/alice").status_code == 200
        change(app, stream, agent_due_at=now().replace(year=now().year + 1))
        with app.app_context():
            db.session.execute(delete(LoginSession).where(LoginSession.user_id == accounts.find("bob").id))
            db.session.commit()
            for _ in range(2):  # once is enough
                reconcile.repair_all()
            assert queries.stage_of(db.session.get_one(Stream, stream)) == f"{rooms.stage[:-1]}2"
        moved = ["CreateRoom", "CreateRoom", "UpdateRoomMetadata", "ListRooms", "ListParticipants"]
        assert connections[3:8] == [(call, 0) for call in moved]

    def test_a_broadcaster_whose_log_in_has_ended_is_left_behind(self, app, stream, connections, audio_server):
        rooms = open_rooms(app, audio_server, stream)
        audio_server.people[rooms.studio] = [messages.BROADCASTER]
        with app.app_context():
            reconcile.repair_all()
        moved = ["RemoveParticipant", "DeleteRoom", "CreateRoom", "CreateRoom", "CreateDispatch"]
        assert connections[3:] == [(call, 0) for call in moved]

    def test_the_studio_hears_what_has_changed(self, app, stream, connections, audio_server):
        open_rooms(app, audio_server, stream)
        change(app, stream, title="Evening show", agent_due_at=now().replace(year=now().year + 1))
        with app.app_context():
            reconcile.repair_all()
        assert connections[3:] == [("UpdateRoomMetadata", 0)]

    def test_streams_of_the_suspended_end(self, app, stream, connections, audio_server):
        open_rooms(app, audio_server, stream)
        with app.app_context():
            db.session.execute(update(User).values(suspended_at=now()))
            db.session.commit()
            reconcile.repair_all()
        assert connections[3:] == [("DeleteRoom", 0), ("DeleteRoom", 0)]

    def test_old_rooms_are_closed(self, app, stream, connections, audio_server):
        open_rooms(app, audio_server, stream)
        change(app, stream, stage_number=2, studio_number=2)
        with app.app_context():
            reconcile.close_old_rooms()
        assert sorted(connections) == [("DeleteRoom", 0), ("DeleteRoom", 0), ("ListRooms", 0), ("RemoveParticipant", 0)]

    def test_a_webhook(self, app, stream, connections, audio_server):
        rooms = open_rooms(app, audio_server, stream)
        assert deliver(app, hint("track_published", "EV_1", rooms.stage)).status_code == 204
        assert connections
        assert {count for _, count in connections} == {0}


class TestAudioServerThatHangs:
    PAGES = 32

    def test_pages_that_rejoin_do_not_hold_up_others(self, app, alice, bob, visit, audio_server, monkeypatch):
        put_on_air(app, "alice")
        pages = [visit("alice").log_in() for _ in range(self.PAGES)]
        monkeypatch.setattr(client, "CALL_TIMEOUT_S", LONG_S)
        audio_server.hang()
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda page=page: statuses.append(page.post("/api/stream/rejoin").status_code))
            for page in pages
        ]
        for thread in threads:
            thread.start()
        try:
            assert audio_server.wait_until_held(self.PAGES, LONG_S / 2)
            assert bob.get("/api/friends").status_code == 200
            assert audio_server.held == self.PAGES  # the answer has come while all of them still wait
        finally:
            audio_server.go_on()
            for thread in threads:
                thread.join()
        assert Counter(statuses) == {200: self.PAGES}

    def test_every_thread_finds_a_connection(self, make_app):
        app = make_app(request_threads=12)
        threads = 12 + Config.long_work_threads + BACKGROUND_THREADS
        with app.app_context():
            connections = [db.engine.connect() for _ in range(threads)]
            assert [connection.scalar(text("SELECT 1")) for connection in connections] == [1] * threads
            assert db.engine.pool.overflow() <= 0
            for connection in connections:
                connection.close()


class TestRefusal:
    def test_reading_is_a_transaction_too(self, app, alice):
        with app.app_context():
            accounts.find("alice")
            with pytest.raises(RuntimeError, match="open during a call to the audio server"):
                refuse_open_transaction("audio server")
            db.session.commit()
            refuse_open_transaction("audio server")

    def test_it_is_logged_once_for_each_kind_of_call_in_production(self, app, alice, caplog):
        app.testing = False
        with app.app_context():
            accounts.find("alice")
            for call in ("audio server", "mail server", "audio server"):
                refuse_open_transaction(call)
        assert [(record.levelname, record.message) for record in caplog.records] == [
            ("ERROR", f"a database transaction is open during a call to the {call}") for call in ("audio server", "mail server")
        ]

    def test_without_an_app_there_is_no_transaction(self):
        refuse_open_transaction("audio server")
