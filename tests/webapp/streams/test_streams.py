"""A stream's life as far as the database decides it. No audio server runs here, which is a test of its own."""

import threading
from contextlib import contextmanager

import jwt
import pytest
from sqlalchemy import event, select, text, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.health_page import HealthPage
from webapp.accounts import access_tokens, accounts, sessions
from webapp.audio_server.client import AudioServerUnreachable
from webapp.core.database import db
from webapp.models import RUNNING, Event, StageSeat, Stream, User, now
from webapp.streams import queries, rooms, shut_out
from webapp.streams import state as stream_state


class Row:
    """Alice's stream in the database. Requests need application contexts of their own, so every access opens one."""

    def __init__(self, app, **values):
        self._app = app
        with app.app_context():
            stream = Stream(owner=accounts.find("alice"), title="Morning show", **values)
            db.session.add(stream)
            db.session.commit()
            self.id, self.room_key = stream.id, stream.room_key

    def change(self, **values):
        with self._app.app_context():
            db.session.execute(update(Stream).where(Stream.id == self.id).values(**values))
            db.session.commit()

    def __getattr__(self, name):
        with self._app.app_context():
            return getattr(db.session.get(Stream, self.id), name)

    def told(self, username):
        """Kinds of events about streams, oldest first."""
        query = select(Event.kind).join(User, User.id == Event.user_id).where(User.username == username).order_by(Event.id)
        with self._app.app_context():
            return [kind for kind in db.session.scalars(query) if kind.startswith("stream.")]

    @contextmanager
    def loaded(self):
        """The stream as domain functions take it."""
        with self._app.app_context():
            yield db.session.get(Stream, self.id)


@pytest.fixture
def stream(app, alice):
    """On air."""
    return Row(app, state="live", live_at=now())


@pytest.fixture
def new_stream(app, alice):
    return Row(app, state="starting")


class TestListening:
    def test_a_friend_gets_a_token_for_the_stage_only(self, stream, bob):
        answer = bob.post("/api/stream/listen/alice")
        assert answer.status_code == 200
        assert answer.json["stream"]["id"] == stream.id
        claims = jwt.decode(answer.json["token"], options={"verify_signature": False})
        assert claims["video"]["room"] == f"stage-{stream.room_key}-1"
        assert "bob" not in str(claims), "the audio server does not know who listens"

    def test_who_is_unfriended_between_two_questions_gets_no_ticket_to_the_new_stage(self, app, stream, alice, bob):
        asked = []

        def unfriend(_connection, _cursor, statement, *_) -> None:
            asked.extend(table for table in ("friendship", "stream") if f"FROM {table} " in statement and table not in asked)
            if len(asked) == 2:
                asked.append("unfriended")
                thread = threading.Thread(target=alice.delete, args=("/api/friends/bob",))
                thread.start()
                thread.join()

        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", unfriend)
        answer = bob.post("/api/stream/listen/alice")
        assert (asked[2:], stream.stage_number, answer.status_code) == (["unfriended"], 2, 404)

    def test_a_ticket_carries_the_mark_of_its_log_in_as_long_as_that_counts(self, app, stream, bob, visit):
        def mark(person, **options):
            token = person.post("/api/stream/listen/alice", **options).json["token"]
            seat = jwt.decode(token, options={"verify_signature": False})["sub"]
            with app.app_context():
                return db.session.get(StageSeat, seat).login

        with app.app_context():
            user = accounts.find("bob")
            bearer = {"Authorization": f"Bearer {access_tokens.make(user, 'script', ['read'], '30')}"}
        elsewhere = visit("bob").log_in()
        marks = mark(bob), mark(elsewhere), mark(app.test_client(), headers=bearer)

        def open_ones():
            with app.app_context():
                return [number for number, one in enumerate(marks) if one in sessions.open_marks([accounts.find("bob").id])]

        assert open_ones() == [0, 1, 2]
        elsewhere.post("/api/logout")
        assert open_ones() == [0, 2]
        change = {"old_password": PASSWORD, "password": "a wholly new password", "keep_tokens": "on"}
        bob.client.post("/settings/password", data={"csrf_token": bob.csrf_token, **change})
        assert open_ones() == [2]
        with app.app_context():
            access_tokens.revoke(user := accounts.find("bob"), access_tokens.tokens_of(user)[0].id)
        assert open_ones() == []

    def test_an_interrupted_stream_can_be_joined_again(self, stream, bob):
        stream.change(state="interrupted")
        assert bob.post("/api/stream/listen/alice").status_code == 200

    def test_a_stranger_an_unknown_name_and_a_friend_off_air_are_alike(self, stream, bob, charlie):
        answers = [charlie.post("/api/stream/listen/alice")]
        answers += [bob.post(f"/api/stream/listen/{name}") for name in ("nobody", "charlie", "bob")]
        for state, live_at in [("ended", now()), ("starting", None), ("checking", None), ("interrupted", None)]:
            stream.change(state=state, live_at=live_at)
            answers.append(bob.post("/api/stream/listen/alice"))
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.data for answer in answers}) == 1

    @pytest.mark.parametrize("username", ["a", "x" * 1000, "%00", "..", "alice'--", "ал1ce", "noise-remover"])
    def test_a_name_that_cannot_be_is_nobody(self, stream, bob, username):
        assert bob.post(f"/api/stream/listen/{username}").status_code == 404

    def test_the_browser_is_sent_to_the_audio_server_under_the_name_it_knows_us_by(self, stream, bob):
        assert bob.post("/api/stream/listen/alice").json["url"] == "ws://localhost:18249"


class TestStatus:
    def test_friends_see_a_live_stream(self, stream, bob):
        status = bob.get("/api/stream/status/alice").json
        assert (status["live"], status["state"]) == (True, "live")
        assert {"id": stream.id, "title": "Morning show", "listeners": 0}.items() <= status["stream"].items()
        assert bob.get("/api/friends").json["friends"][0]["stream"]["id"] == stream.id

    @pytest.mark.parametrize("state", ["starting", "checking", "interrupted"])
    def test_what_was_never_live_only_the_owner_sees(self, stream, alice, bob, state):
        stream.change(state=state, live_at=None)
        assert bob.get("/api/stream/status/alice").json == {"live": False, "state": "offline", "stream": None}
        own = alice.get("/api/stream/status/ALICE").json
        assert (own["live"], own["state"], own["stream"]["id"]) == (False, state, stream.id)

    def test_strangers_get_404(self, stream, charlie):
        assert charlie.get("/api/stream/status/alice").status_code == 404


class TestPlaces:
    """Whether a stream that does not start waits for a place. The noise remover's health page is played by the test."""

    @pytest.fixture
    def page(self):
        with HealthPage() as page:
            yield page

    @pytest.fixture
    def app(self, make_app, page):
        return make_app(agent_health_url=f"http://{page.address}/")

    @pytest.mark.parametrize(
        ("body", "taken"),
        [
            (b'{"places": 4, "taken": 4}', 4),
            (b'{"places": 4, "taken": 3}', None),
            (b'{"places": 4}', None),
            (b"[4, 4]", None),
            (b'{"places": "four", "taken": 4}', None),
            (b"", None),
        ],
    )
    def test_the_owner_of_a_stream_that_was_refused_learns_of_it(self, new_stream, alice, page, body, taken):
        new_stream.change(dispatch_tries=2)
        page.body = body
        assert alice.get("/api/stream/status/alice").json["all_places_taken"] == taken

    @pytest.mark.parametrize("values", [{"dispatch_tries": 1}, {"dispatch_tries": 2, "state": "live", "live_at": now()}])
    def test_not_before_it_was_refused_and_not_when_it_runs(self, new_stream, alice, page, values):
        new_stream.change(**values)
        page.body = b'{"places": 4, "taken": 4}'
        assert alice.get("/api/stream/status/alice").json["all_places_taken"] is None

    def test_friends_are_told_nothing_of_places(self, stream, bob):
        assert "all_places_taken" not in bob.get("/api/stream/status/alice").json


class TestMoving:
    def test_live_is_told_once_to_owner_and_friends(self, new_stream, bob, charlie):
        with new_stream.loaded() as stream:
            assert stream_state.move(stream, "live")
            first_live_at = stream.live_at
            assert stream_state.move(stream, "interrupted")
            assert stream_state.move(stream, "live")
            assert stream.live_at == first_live_at
        assert [new_stream.told(name) for name in ("alice", "bob", "charlie")] == [["stream.live"], ["stream.live"], []]

    def test_of_two_who_move_it_at_once_one_does(self, new_stream):
        with new_stream.loaded() as stream:
            assert stream.state == "starting"  # read, and moved by somebody else in between
            with new_stream.loaded() as same_stream:
                assert stream_state.move(same_stream, "live")
            assert not stream_state.move(stream, "live")
            assert stream.state == "live"
        assert new_stream.told("alice") == ["stream.live"]

    def test_an_end_without_having_been_live_is_the_owners_business(self, new_stream, bob):
        with new_stream.loaded() as stream:
            stream_state.end(stream)
            stream_state.end(stream)
        assert (new_stream.told("alice"), new_stream.told("bob")) == (["stream.ended"], [])

    def test_an_event_carries_what_a_page_shows(self, stream):
        with stream.loaded() as row:
            stream_state.end(row)
            data = db.session.scalars(select(Event.data).where(Event.kind == "stream.ended")).one()
        assert (data["username"], data["display_name"]) == ("alice", "alice")
        assert (data["stream"]["id"], data["stream"]["title"]) == (stream.id, "Morning show")

    def test_of_two_who_ask_for_a_noise_remover_one_does(self, new_stream):
        with new_stream.loaded() as stream:
            assert stream.dispatch_tries == 0  # read, and asked for by somebody else in between
            with new_stream.loaded() as same_stream, pytest.raises(AudioServerUnreachable):
                stream_state.ask_for_agent(same_stream)
            stream_state.ask_for_agent(stream)
        assert new_stream.dispatch_tries == 1
        assert new_stream.agent_due_at > now()


class TestShuttingOut:
    def test_unfriending_moves_the_stage_and_tells_who_stays_though_the_audio_server_is_away(self, stream, alice, bob, charlie):
        charlie.befriend(alice)
        assert bob.delete("/api/friends/alice").status_code == 204
        assert stream.stage_number == 2
        assert [stream.told(name) for name in ("alice", "bob", "charlie")] == [["stream.moved"], [], ["stream.moved"]]
        token = charlie.post("/api/stream/listen/alice").json["token"]
        assert jwt.decode(token, options={"verify_signature": False})["video"]["room"] == f"stage-{stream.room_key}-2"

    def test_of_a_sound_check_that_moves_friends_learn_nothing(self, app, new_stream, alice, bob, visit):
        new_stream.change(state="checking")
        elsewhere = visit("alice").log_in()
        assert elsewhere.post("/api/stream/monitor").status_code == 200
        elsewhere.post("/api/logout")
        with app.app_context():
            shut_out.guard(stream := db.session.get(Stream, new_stream.id), queries.rooms_of(stream), {})
        assert (new_stream.stage_number, new_stream.told("alice"), new_stream.told("bob")) == (2, ["stream.moved"], [])

    def test_nothing_moves_while_nobody_can_listen(self, new_stream, bob):
        assert bob.delete("/api/friends/alice").status_code == 204
        assert new_stream.stage_number == 1
        assert new_stream.told("alice") == []


class TestStartAndStop:
    def test_start_without_an_audio_server_says_so_and_leaves_nothing_running(self, alice):
        answer = alice.post("/api/stream/start")
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "audio_server_unreachable")
        assert alice.get("/api/stream/status/alice").json["stream"] is None

    def test_start_while_live_answers_with_the_running_stream(self, stream, alice):
        answer = alice.post("/api/stream/start")
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "already_streaming")
        assert answer.json["stream"]["id"] == stream.id

    def test_stop_without_start_is_404(self, alice):
        assert alice.post("/api/stream/stop").status_code == 404

    def test_stop_again_is_the_same_answer(self, stream, alice):
        first = alice.post("/api/stream/stop")
        assert (first.status_code, first.json["stream"]["state"]) == (200, "ended")
        assert alice.post("/api/stream/stop").json == first.json

    @pytest.mark.parametrize("path", ["go-live", "rejoin", "monitor"])
    def test_what_needs_a_stream_is_404_without_one(self, alice, path):
        assert alice.post(f"/api/stream/{path}").status_code == 404

    def test_go_live_ends_the_sound_check_and_is_idempotent(self, stream, alice, bob):
        stream.change(state="checking", live_at=None, sound_check=True)
        for _ in range(2):
            answer = alice.post("/api/stream/go-live")
            assert (answer.status_code, answer.json["stream"]["state"]) == (200, "live")
        assert stream.told("bob") == ["stream.live"]

    def test_a_new_title_is_told(self, stream, alice, bob):
        answer = alice.post("/api/stream/title", {"title": " Evening\u202e\nshow "})
        assert answer.json["stream"]["title"] == "Evening show"
        assert stream.told("bob") == ["stream.title"]

    @pytest.mark.parametrize(
        ("path", "body", "field"),
        [
            ("start", {"title": 7}, "title"),
            ("start", {"title": "x" * 121}, "title"),
            ("start", {"title": ["x"]}, "title"),
            ("start", {"strength_db": "loud"}, "strength_db"),
            ("start", {"strength_db": 101}, "strength_db"),
            ("start", {"strength_db": -1}, "strength_db"),
            ("start", {"strength_db": True}, "strength_db"),
            ("start", {"sound_check": "yes"}, "sound_check"),
            ("start", {"sound_check": 1}, "sound_check"),
            ("title", {}, "title"),
            ("title", {"title": "\u202e\u0007 "}, "title"),
            ("title", {"title": "x" * 121}, "title"),
        ],
    )
    def test_a_wrong_field_is_named(self, stream, alice, path, body, field):
        answer = alice.post(f"/api/stream/{path}", body)
        assert answer.status_code == 422
        assert list(answer.json["error"]["fields"]) == [field]

    @pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"strength_db": NaN}', b'{"strength_db": 1e999}', b"[" * 100_000])
    def test_a_body_that_cannot_be_read_starts_nothing(self, alice, body):
        answer = alice.post("/api/stream/start", data=body, content_type="application/json")
        assert answer.status_code in (400, 413, 422)
        assert alice.post("/api/stream/stop").status_code == 404


def test_a_title_is_made_up_when_none_is_given(alice):
    alice.post("/api/stream/start")
    assert alice.post("/api/stream/stop").json["stream"]["title"] == "alice on air"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("studio-00ff", "00ff"),
        ("stage-00ff-12", "00ff"),
        ("studio", ""),
        ("lobby-00ff", None),
        ("", None),
    ],
)
def test_a_room_tells_its_stream(name, key):
    assert rooms.room_key_of(name) == key


def test_running_streams_are_found_by_their_index(context):
    """Not by reading every stream that there ever was: reconciler and pages ask each second."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("how SQLite plans")
    statement = str(select(Stream).where(RUNNING).compile(db.engine))
    plan = db.session.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()
    assert [row.detail for row in plan] == ["SCAN stream USING INDEX ix_stream_running"]
