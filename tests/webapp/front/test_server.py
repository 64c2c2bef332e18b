"""The process of the web app as it is started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.free_ports import some_free_block
from tests.webapp.conftest import make_config
from tests.webapp.front.server_thread import ask, eventually
from tests.webapp.front.test_event_streams import Stream
from webapp.core.config import Config

ROOT = Path(__file__).parents[3]


@contextmanager
def running(data: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    config, port = make_config(data), port or some_free_block()
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
    with subprocess.Popen([sys.executable, "-m", "webapp.server"], cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            assert eventually(lambda: answers(port), within_s=60), process.stderr.read1().decode()
            yield process, port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        return ask(port, "GET /api/session HTTP/1.1")[0] == 200
    except OSError:
        return False


def test_told_to_stop_it_is_gone_within_seconds_and_streams_end_first(tmp_path, alice, cookie):
    with running(tmp_path) as (process, port):
        stream = Stream(port, cookie(alice).replace("_8000=", f"_{port}="))
        children = psutil.Process(process.pid).children()
        started = time.monotonic()
        process.terminate()
        assert stream.next() == {}
        assert process.wait(timeout=15) == 0
        assert time.monotonic() - started < 5
        assert process.stderr.read() == b""
        assert not any(child.is_running() for child in children)


def test_processes_share_the_limit_of_a_person_and_replace_the_one_that_dies(tmp_path, alice, cookie):
    with running(tmp_path) as (process, port):
        header = cookie(alice).replace("_8000=", f"_{port}=")
        streams = [Stream(port, header) for _ in range(Config.event_streams_per_person)]
        assert {ask(port, f"GET /events HTTP/1.1\r\n{header}")[0] for _ in range(6)} == {503}
        dead = psutil.Process(process.pid).children()[0]
        dead.kill()
        assert eventually(
            lambda: len({child.pid for child in psutil.Process(process.pid).children()} - {dead.pid}) == Config.web_processes
        )
        assert eventually(lambda: answers(port))
        for stream in streams:
            stream.socket.close()


def test_all_end_with_the_process_that_made_them_and_the_next_one_takes_their_place(tmp_path):
    with running(tmp_path) as (process, port):
        children = psutil.Process(process.pid).children()
        process.kill()
        with running(tmp_path, port):
            assert eventually(lambda: not any(child.is_running() for child in children))
            assert eventually(lambda: answers(port))
