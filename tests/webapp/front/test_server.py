"""The process of the web app as it is started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.free_ports import some_free_block
from tests.webapp.conftest import make_config
from tests.webapp.front.server_thread import ask, eventually
from tests.webapp.front.test_event_streams import Stream

ROOT = Path(__file__).parents[3]


def test_told_to_stop_the_process_is_gone_within_seconds_and_streams_end_first(tmp_path, alice, cookie):
    config, port = make_config(tmp_path), some_free_block()
    environment = {
        **os.environ,
        "STILLAIR_DATA": str(tmp_path),
        "STILLAIR_SECRET_KEY": config.secret_key,
        "STILLAIR_HOST": "127.0.0.1",
        "STILLAIR_PORT": str(port),
        "STILLAIR_PUBLIC_URL": "http://127.0.0.1:8000",
        "LIVEKIT_URL": config.livekit_url,
        "LIVEKIT_API_KEY": config.livekit_api_key,
        "LIVEKIT_API_SECRET": config.livekit_api_secret,
    }
    with subprocess.Popen([sys.executable, "-m", "webapp.server"], cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            assert eventually(lambda: answers(port), within_s=60), process.stderr.read1().decode()
            stream = Stream(port, cookie(alice).replace("_8000=", f"_{port}="))
            started = time.monotonic()
            process.terminate()
            assert stream.next() == {}
            assert process.wait(timeout=15) == 0
            assert time.monotonic() - started < 5
            assert process.stderr.read() == b""
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        return ask(port, "GET /api/session HTTP/1.1")[0] == 200
    except OSError:
        return False
