"""A version's web app with its real server on one core, and many people in it, for benchmarks/web.py.

python benchmarks/web_server.py fill DATA    in the folder of the version; prints what there is as JSON
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FRIENDS = 500
MINUTES = 2
START_S = 60


@dataclass(frozen=True)
class Served:
    port: int
    pid: int
    people: Mapping[str, Any]  # as `fill` prints it

    def memory_bytes(self) -> int:
        """What the server's processes have for themselves."""
        import psutil

        main = psutil.Process(self.pid)
        return sum(process.memory_full_info().uss for process in (main, *main.children(recursive=True)))


@contextlib.contextmanager
def served(version: Path, data: Path, cores: set[int]) -> Iterator[Served]:
    """Fill a database, and run the server of `version` with its own Python: gunicorn where it has a configuration for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "STILLAIR_DATA": str(data),
        "STILLAIR_PORT": str(port),
        "STILLAIR_SECRET_KEY": secrets.token_hex(20),
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "bench",
        "LIVEKIT_API_SECRET": secrets.token_hex(20),
    }
    own = version / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    filling = [python, str(Path(__file__).resolve()), "fill"]
    people = json.loads(subprocess.run(filling, cwd=version, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    old = version / "webapp" / "gunicorn_conf.py"
    modules = ["gunicorn", "-c", str(old), "webapp:create_app()"] if old.exists() else ["webapp.server"]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen([python, "-m", *modules], cwd=version, env=environment, stderr=log)
    try:
        os.sched_setaffinity(process.pid, cores)
        _wait_until_it_answers(port, data / "server.log")
        yield Served(port, process.pid, people)
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(port: int, log: Path) -> None:
    end = time.monotonic() + START_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/api/session")
            connection.getresponse()
            return
        if time.monotonic() > end:
            raise RuntimeError(log.read_text())
        time.sleep(0.1)


# --- Inside of a version, whose modules the folder decides


def fill() -> dict[str, Any]:
    """Alice, who has 500 friends; everybody is logged in."""
    sys.path[0] = str(Path.cwd())
    sys.path.append(str(Path(__file__).resolve().parents[1]))  # for page_costs, which an older version may not have
    import flask_migrate
    from flask import session
    from flask_wtf.csrf import generate_csrf

    from benchmarks import page_costs
    from webapp import create_app
    from webapp.accounts import sessions
    from webapp.core.database import db
    from webapp.models import User
    from webapp.recordings import ingest

    app = create_app()
    with app.app_context():
        flask_migrate.upgrade()
        page_costs.fill()
        names = [user.username for user in db.session.query(User).order_by(User.id)]
        recording = _record(app.config["STILLAIR"].recordings)
        ingest.ingest()
    cookies, tokens = {}, {}
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    for name in names:
        with app.test_request_context():
            sessions.open_session(db.session.query(User).filter_by(username=name).one())
            tokens[name] = generate_csrf()
            cookies[name] = f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps(dict(session))}"
    return {"cookies": cookies, "tokens": tokens, "recording": recording}


def _record(folder: Path) -> str:
    from tests.webapp.support.recordings_on_disk import record

    return record(folder, "alice", seconds=60 * MINUTES)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fill()))
