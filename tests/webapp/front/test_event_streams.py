"""`GET /events` through the real server: no thread is held, whatever the number of streams."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from sqlalchemy import func, select

from tests.webapp.front.server_thread import answer_to, ask, connect, eventually, serving
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.events import outbox
from webapp.models import EventConnection

MANY = 60


@pytest.fixture
def app(make_app):
    return make_app(request_threads=1, event_streams_per_person=MANY)


class Stream:
    def __init__(self, port: int, cookie: str, path: str = "/events", more: str = "") -> None:
        self.socket = connect(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}{more}\r\n\r\n".encode())
        self._answer = answer_to(self.socket)
        assert (self._answer.status, self._answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert self.next() == {"retry": "2000", "id": str(self.last_id)}

    def next(self) -> dict[str, str]:
        """Fields of the next event; none when the stream has ended."""
        fields: dict[str, str] = {}
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last_id = int(value)
            if name and not line.startswith(":"):
                fields[name] = value
            elif fields:
                break
        return fields


@pytest.fixture
def publish(app) -> Callable[..., None]:
    def publish(username: str, **data: object) -> None:
        with app.app_context():
            outbox.publish([accounts.find(username).id], "test", data)
            db.session.commit()

    return publish


def test_an_event_reaches_every_stream_and_pages_are_served_beside_them(app, alice, cookie, publish):
    with serving(app) as port, ExitStack() as stack:
        streams = [Stream(port, cookie(alice)) for _ in range(MANY)]
        for stream in streams:
            stack.callback(stream.socket.close)
        assert ask(port, f"GET /events HTTP/1.1\r\n{cookie(alice)}")[0] == 503
        assert ask(port, f"GET /api/friends HTTP/1.1\r\n{cookie(alice)}")[0] == 200
        publish("alice", number=1)
        assert [json.loads(stream.next()["data"]) for stream in streams] == [{"number": 1}] * MANY


def test_a_stream_resumes_where_the_last_one_was(app, alice, cookie, publish):
    with serving(app) as port:
        first = Stream(port, cookie(alice))
        publish("alice", number=1)
        first.next()
        first.socket.close()
        publish("alice", number=2)
        second = Stream(port, cookie(alice), more=f"\r\nLast-Event-ID: {first.last_id}")
        publish("alice", number=3)
        assert [json.loads(second.next()["data"])["number"] for _ in range(2)] == [2, 3]
        second.socket.close()


def test_who_is_not_logged_in_is_refused_as_by_any_other_route(app):
    with serving(app) as port:
        status, _, body = ask(port, "GET /events HTTP/1.1")
    assert (status, json.loads(body)["error"]["code"]) == (401, "not_logged_in")


def test_it_ends_with_the_log_in_also_when_there_is_no_news(app, alice, cookie):
    with serving(app) as port:
        stream = Stream(port, cookie(alice))
        alice.post("/api/logout")
        assert stream.next() == {}


def test_who_goes_away_gives_the_place_back_and_is_offline_soon(app, alice, cookie):
    def connections() -> int:
        with app.app_context():
            return db.session.scalar(select(func.count()).where(EventConnection.watching.is_(True)))

    with serving(app) as port:
        stream = Stream(port, cookie(alice))
        assert connections() == 1
        stream.socket.shutdown(socket.SHUT_RDWR)
        stream.socket.close()
        assert eventually(lambda: connections() == 0)


def test_it_ends_when_the_server_stops(app, alice, cookie):
    with serving(app) as port:
        stream = Stream(port, cookie(alice))
    assert stream.next() == {}
