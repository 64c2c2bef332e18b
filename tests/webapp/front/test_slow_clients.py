"""A thread never waits for a client: one thread serves pages beside any number of slow clients, who are cut off in time."""

from __future__ import annotations

import select
import socket

import pytest

from tests.webapp.front.server_thread import answer_to, ask, connect, eventually, serving
from tests.webapp.support.recordings_on_disk import record

FORM = "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "nothing": b"",
    "a header": b"GET /login HTTP/1.1\r\nX-A: ",
    "a form": f"{FORM}Content-Length: 6000\r\n\r\nusername=".encode(),
    "a chunk": f"{FORM}Transfer-Encoding: chunked\r\n\r\n5\r\nuser".encode(),
    "a large form": f"{FORM}Content-Length: 9000000\r\n\r\nusername=".encode(),
}
SMALL = {"head_s": 0.2, "body_s": 0.2, "write_s": 0.5, "look_every_s": 0.05}


@pytest.fixture
def app(make_app):
    return make_app(request_threads=1)


@pytest.mark.parametrize("first", SLOW.values(), ids=SLOW.keys())
def test_who_sends_slowly_holds_nobody_up(app, first):
    with serving(app) as port:
        slow = [connect(port, first) for _ in range(5)]
        assert ask(port, "GET /api/session HTTP/1.1")[0] == 200
        for sock in slow:
            sock.sendall(b"a")
            sock.close()


@pytest.mark.parametrize("first", SLOW.values(), ids=SLOW.keys())
def test_who_sends_too_slowly_is_told_and_cut_off(app, first):
    with serving(app, **SMALL) as port, connect(port, first) as slow:
        answer = answer_to(slow)
        assert (answer.status, answer.headers["Connection"]) == (408, "close")
        assert eventually(lambda: slow.recv(1) == b"")


def test_a_body_that_keeps_coming_is_given_the_time_it_needs(app):
    with serving(app, **(SMALL | {"body_bytes_per_s": 10})) as port:
        body = b'{"username": "alice", "password": "wrong password"}'
        head = f"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        with connect(port, head.encode() + body[:-1]) as slow:
            slow.settimeout(4 * SMALL["body_s"])
            with pytest.raises(TimeoutError):
                slow.recv(1)
            slow.settimeout(20)
            slow.sendall(body[-1:])
            assert answer_to(slow).status in (401, 403)


@pytest.mark.parametrize("query", ["audio?download=1", "clip.flac?start=0.5"])
def test_who_does_not_read_holds_nobody_up_and_is_cut_off(app, visit_app, folder, ingest, cookie, query):
    alice = visit_app(app, "alice").register()
    recording = record(folder, "alice", seconds=100)
    ingest()
    with serving(app, **SMALL) as port:
        head = f"GET /recordings/{recording}/{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie(alice)}\r\n\r\n".encode()
        slow = []
        for _ in range(2):
            slow.append(connect(port, head, receive_bytes=2048))
            answer = answer_to(slow[-1])
            assert (answer.status, int(answer.headers["Content-Length"]) > 1_000_000) == (200, True)
        assert ask(port, "GET /api/session HTTP/1.1")[0] == 200
        for sock in slow:
            assert was_cut_off(sock)


def was_cut_off(sock: socket.socket) -> bool:
    poller = select.poll()
    poller.register(sock, 0)
    return bool(poller.poll(20_000))
