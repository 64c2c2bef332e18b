"""What Flask is asked and what is sent, through the real server."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import request

from tests.webapp.front.server_thread import answer_to, ask, connect, eventually, serving
from tests.webapp.support.recordings_on_disk import record
from webapp.front import wsgi

GROWS = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked"


@contextmanager
def held(app) -> Iterator[tuple[threading.Event, threading.Semaphore]]:
    """A page that is answered when the test says so: at `/held`; the semaphore counts who has come."""
    go_on, come = threading.Event(), threading.Semaphore(0)

    def view() -> str:
        come.release()
        assert go_on.wait(20)
        return "done"

    app.add_url_rule("/held", "held", view)
    try:
        yield go_on, come
    finally:
        go_on.set()


def test_a_body_that_is_too_large_is_refused_by_flask_however_it_comes(app):
    with serving(app) as port:
        long = b"username=" + b"a" * 70_000
        declared = ask(port, f"POST /login HTTP/1.1\r\nContent-Length: {len(long)}", long)
        grown = ask(port, GROWS, b"%x\r\n%b\r\n0\r\n\r\n" % (len(long), long))
        never_sent = ask(port, "POST /api/login HTTP/1.1\r\nContent-Length: 99000000")
    assert [declared[0], grown[0], never_sent[0]] == [413] * 3
    assert json.loads(never_sent[2])["error"]["code"] == "too_large"


def test_too_large_a_picture_is_heard_out_and_explained(app, alice, cookie):
    with serving(app) as port:
        head = f"POST /settings/avatar HTTP/1.1\r\n{cookie(alice)}\r\nContent-Type: multipart/form-data; boundary=x"
        for size in (2_200_000, 4_000_000):
            status, headers, _ = ask(port, f"{head}\r\nContent-Length: {size}", bytes(size))
            assert (status, headers["Location"]) == (303, "/settings/")
            told = headers["Set-Cookie"].partition(";")[0]
            assert b"This picture is larger than 2 MB." in ask(port, f"GET /settings/ HTTP/1.1\r\nCookie: {told}")[2]


def test_more_than_can_wait_is_told_to_come_back(make_app):
    app = make_app(request_threads=1)
    with serving(app, queue=1) as port, held(app) as (go_on, come):
        running = connect(port, b"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert come.acquire(timeout=20)
        waiting = connect(port, b"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert eventually(lambda: ask(port, "GET /api/session HTTP/1.1")[0] == 503)
        status, headers, body = ask(port, "GET /api/session HTTP/1.1")
        assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "10", "no-store")
        assert json.loads(body)["error"]["code"] == "busy"
        page = ask(port, "GET / HTTP/1.1\r\nAccept-Language: de")
        assert (page[0], page[1]["Content-Language"]) == (503, "de")
        assert "gerade zu viel zu tun" in page[2].decode()
        go_on.set()
        assert [answer_to(sock).read() for sock in (running, waiting)] == [b"done"] * 2


def test_nothing_waits_for_a_thread_for_ever(make_app):
    app = make_app(request_threads=1)
    with (
        serving(app, queue_s=0.1) as port,
        held(app) as (_, come),
        connect(port, b"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ):
        assert come.acquire(timeout=20)
        assert ask(port, "GET /api/session HTTP/1.1")[0] == 503


def test_one_address_cannot_take_all_connections(app):
    with serving(app, connections_per_address=2) as port, connect(port), connect(port):
        with connect(port) as third:
            assert answer_to(third).status == 503
        assert ask(port, "GET /api/session HTTP/1.1", source="127.0.0.2")[0] == 200


def test_behind_a_proxy_the_addresses_that_it_tells_are_counted(make_app):
    app = make_app(trusted_proxies=1)
    with serving(app, connections_per_address=1) as port, held(app) as (_, come):
        told = "GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 8.8.8.8, 203.0.113.7\r\n\r\n"
        with connect(port, told.encode()):
            assert come.acquire(timeout=20)
            session = "GET /api/session HTTP/1.1\r\nX-Forwarded-For: 8.8.8.8,"
            assert [ask(port, f"{session} 203.0.113.{number}")[0] for number in (7, 8)] == [503, 200]


def test_a_header_that_only_looks_like_one_of_the_proxy_is_dropped(make_app):
    app = make_app(trusted_proxies=1)
    app.add_url_rule("/seen", "seen", lambda: {"address": request.remote_addr, "headers": list(request.headers.keys())})
    with serving(app) as port:
        head = "GET /seen HTTP/1.1\r\nX-Forwarded-For: 203.0.113.7\r\nX_Forwarded_For: 8.8.8.8\r\nContent_Length: 7"
        found = json.loads(ask(port, head)[2])
    assert found["address"] == "203.0.113.7"
    assert set(found["headers"]) == {"Host", "Connection", "X-Forwarded-For"}


def test_a_recording_is_sent_whole_and_in_parts(app, alice, folder, ingest, cookie):
    recording = record(folder, "alice", seconds=3)
    ingest()
    whole = (folder / f"{recording}.flac").read_bytes()
    with serving(app) as port:
        path = f"/recordings/{recording}/audio"
        status, headers, body = ask(port, f"GET {path} HTTP/1.1\r\n{cookie(alice)}")
        assert (status, body, int(headers["Content-Length"])) == (200, whole, len(whole))
        etag = headers["ETag"]
        part = ask(port, f"GET {path} HTTP/1.1\r\n{cookie(alice)}\r\nRange: bytes=5000-150000")
        assert (part[0], part[2]) == (206, whole[5000:150_001])
        assert ask(port, f"HEAD {path} HTTP/1.1\r\n{cookie(alice)}")[1]["Content-Length"] == str(len(whole))
        assert ask(port, f"GET {path} HTTP/1.1\r\n{cookie(alice)}\r\nIf-None-Match: {etag}")[::2] == (304, b"")
        tagged = ask(port, f"GET {path}?download=1 HTTP/1.1\r\n{cookie(alice)}")[2]
        assert (b"TITLE=" in tagged[:4096], tagged[4096:]) == (True, whole[4096:])


def test_a_takeout_is_made_while_it_is_read_and_gives_its_turn_back(make_app, visit_app, folder, ingest, cookie):
    app = make_app(request_threads=1)
    alice = visit_app(app, "alice").register()
    record(folder, "alice", seconds=60)
    ingest()
    with serving(app) as port:
        head = f"GET /settings/data.zip?recordings=1 HTTP/1.1\r\n{cookie(alice)}"
        slow = connect(port, f"{head}\r\nHost: 127.0.0.1\r\n\r\n".encode(), receive_bytes=2048)
        assert answer_to(slow).status == 200
        assert ask(port, head)[0] == 429
        slow.close()
        assert eventually(lambda: ask(port, head)[0] == 200)
        assert zipfile.ZipFile(io.BytesIO(ask(port, head)[2])).testzip() is None


@pytest.mark.parametrize("limits", [{"queue_s": 0.2}, {"long_work_per_address": 1}])
def test_long_work_holds_up_nothing_but_long_work(limits, make_app, alice, folder, ingest, cookie):
    app = make_app(long_work_threads=1)
    recording = record(folder, "alice", seconds=1)
    ingest()
    files, busy = app.extensions["recordings"], threading.Lock()
    scratch = files.scratch

    def scratch_later():
        with busy:
            return scratch()

    files.scratch = scratch_later
    with serving(app, **limits) as port, busy:
        clip = f"GET /recordings/{recording}/clip.flac HTTP/1.1\r\n{cookie(alice)}"
        with connect(port, f"{clip}\r\nHost: 127.0.0.1\r\n\r\n".encode()) as first:
            assert eventually(lambda: ask(port, clip)[0] == 503)
            assert ask(port, f"GET /api/friends HTTP/1.1\r\n{cookie(alice)}")[0] == 200
            busy.release()
            assert answer_to(first).status == 200
            busy.acquire()


@pytest.mark.parametrize(
    "head", ["GET / HTTP/1.1\r\nX-A: " + "a" * 200_000, "GET /" + "a" * 200_000, "GET / HTTP/1.1\r\n" + "X-A: a\r\n" * 20_000]
)
def test_headers_without_end_are_refused(app, head):
    with serving(app) as port, connect(port, head.encode()) as sock:
        assert answer_to(sock).status == 431


@pytest.mark.parametrize(
    "first", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"\x16\x03"]
)
def test_what_is_no_request_is_refused(app, first):
    with serving(app) as port, connect(port, first) as sock:
        assert answer_to(sock).status == 400


def test_what_an_app_writes_comes_before_what_it_returns():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])(b"written ")
        return [b"returned"]

    answer = wsgi.ask(app, {})
    assert (answer.status, answer.headers, answer.body) == (200, [(b"content-type", b"text/plain")], [b"written ", b"returned"])
