"""The web app behind its real server: event streams hold threads, notice who leaves, and end when the process shall."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.free_ports import some_free_block
from tests.webapp.conftest import make_config
from webapp.core.config import Config

ROOT = Path(__file__).parents[2]
STREAMS_PER_PERSON = Config.event_streams_per_person
PASSWORD = "correct horse battery"


class Browser:
    """One person over HTTP, with cookies and the CSRF token; every request has a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._headers = {"Content-Type": "application/json"}
        self.call("GET", "/api/session")

    def open(self, method: str, path: str, body: object = None) -> tuple[http.client.HTTPResponse, socket.socket]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request(method, path, json.dumps(body) if body is not None else None, self._headers)
        sock = connection.sock
        response = connection.getresponse()
        if cookie := response.headers["Set-Cookie"]:
            self._headers["Cookie"] = cookie.partition(";")[0]
        return response, sock

    def call(self, method: str, path: str, body: object = None) -> int:
        response, sock = self.open(method, path, body)
        text = response.read()
        sock.close()
        if response.status < 300 and text and (token := json.loads(text).get("csrf_token")):
            self._headers["X-CSRF-Token"] = token
        return response.status

    def register(self, username: str) -> Browser:
        assert self.call("POST", "/api/register", {"username": username, "password": PASSWORD}) == 201
        return self

    def stream(self) -> tuple[http.client.HTTPResponse, socket.socket]:
        response, sock = self.open("GET", "/events")
        assert response.status == 200
        assert response.readline().startswith(b"retry")
        return response, sock


def eventually(is_so: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


@contextmanager
def running(data: Path, database: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    shutil.copy(database, data / "stillair.db")
    config, port = make_config(data), some_free_block()
    environment = {
        **os.environ,
        "STILLAIR_DATA": str(data),
        "STILLAIR_SECRET_KEY": config.secret_key,
        "STILLAIR_HOST": "127.0.0.1",
        "STILLAIR_PORT": str(port),
        "LIVEKIT_URL": config.livekit_url,
        "LIVEKIT_API_KEY": config.livekit_api_key,
        "LIVEKIT_API_SECRET": config.livekit_api_secret,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "webapp/gunicorn_conf.py", "webapp:create_app()"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            assert eventually(lambda: _answers(port), within_s=60), process.stderr.read1().decode()
            yield process, port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[int]:
    with running(tmp_path_factory.mktemp("gunicorn"), migrated_database) as (_, port):
        yield port


def _answers(port: int) -> bool:
    try:
        Browser(port)
    except OSError:
        return False
    return True


def test_a_stream_that_was_left_gives_its_place_back_at_once(port):
    alice = Browser(port).register("alice")
    streams = [alice.stream() for _ in range(STREAMS_PER_PERSON)]
    assert alice.call("GET", "/events") == 503
    for response, sock in streams:
        sock.shutdown(socket.SHUT_RDWR)
        response.close()

    def opens() -> bool:
        response, sock = alice.open("GET", "/events")
        sock.close()
        return response.status == 200

    assert eventually(opens, within_s=10)


def test_pages_are_served_while_every_stream_is_taken(port):
    people = [Browser(port).register(f"person-{number}") for number in range(Config.event_streams // STREAMS_PER_PERSON + 1)]
    streams = []
    for person in people:
        while len(streams) < Config.event_streams and (stream := person.open("GET", "/events"))[0].status == 200:
            streams.append(stream)
    assert len(streams) == Config.event_streams
    assert Browser(port).register("one-more").call("GET", "/events") == 503
    assert [people[0].call("GET", "/api/friends") for _ in range(20)] == [200] * 20
    for _, sock in streams:
        sock.close()


def test_told_to_stop_the_server_is_gone_within_seconds_and_streams_end_first(tmp_path, migrated_database):
    with running(tmp_path, migrated_database) as (process, port):
        response, _sock = Browser(port).register("alice").stream()
        process.terminate()
        started = time.monotonic()
        while response.readline():
            pass
        assert time.monotonic() - started < 5
        assert process.wait(timeout=15) == 0
