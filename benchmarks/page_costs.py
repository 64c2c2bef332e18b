"""What a page costs somebody with 500 friends, beside another version: `python -m benchmarks.page_costs [--peer FOLDER]`.

Whole requests inside the server: routing, log-in, database, template; CPU time and questions to the database of each page, then
how many of them one process answers in a second, to one person and to eight at once. `--peer` is a checkout of another version,
for example a git worktree with the files that are not in git; both are measured in turns. Wants the machine for itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

HERE = Path(__file__).resolve().parent.parent
FRIENDS, LIVE = 500, 5
PAGES = {
    "home": "/",
    "friends": "/friends/",
    "sidebar, after an event": "/sidebar?page=/",
    "a friend's page, live": "/listen/friend-0",
    "stream page": "/live",
    "own recordings": "/recordings/",
    "friends' recordings": "/recordings/friends",
    "admin, people": "/admin/people/",
    "GET /api/friends": "/api/friends",
    "listen token": "POST /api/stream/listen/friend-0",
    "/healthz": "/healthz",
}
SERVED = ("home", "friends", "listen token")
PARALLEL = (1, 8)
PASSWORD = "correct horse battery"

Figures = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="Folder of the other version.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        sys.stdout.write(json.dumps(measure()))
        return
    versions = {"this version": HERE} | ({"peer": options.peer.resolve()} if options.peer else {})
    found: dict[str, list[Figures]] = {name: [] for name in versions}
    for _ in range(options.rounds):
        for name, folder in versions.items():
            found[name].append(run(folder))
    show({name: together(rounds) for name, rounds in found.items()})


def run(folder: Path) -> Figures:
    """Measure one version in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--inside"]
    printed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    figures: Figures = json.loads(printed)
    return figures


def together(rounds: Sequence[Figures]) -> Figures:
    return {row: {name: median(found[row][name] for found in rounds) for name in figures} for row, figures in rounds[0].items()}


def show(versions: dict[str, Figures]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", title=f"Pages of somebody with {FRIENDS} friends: {' / '.join(versions)}")
    rows = next(iter(versions.values()))
    names = list(next(iter(rows.values())))
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [" / ".join(f"{found[row][name]:.3g}" for found in versions.values() if name in found[row]) for name in names]
        table.add_row(row, *cells)
    Console(width=160).print(table)


# --- Inside of a version, whose modules the folder decides


def measure() -> Figures:
    sys.path[0] = str(Path.cwd())
    from sqlalchemy import event

    from benchmarks.library import make_app
    from webapp.core.database import db

    with tempfile.TemporaryDirectory() as folder:
        app = make_app(Path(folder))
        with app.app_context():
            fill()
            queries: list[str] = []
            event.listen(db.engine, "before_cursor_execute", lambda _c, _cur, statement, *_: queries.append(statement))
        spare_what_is_loaded()
        client, token = visitor(app)
        figures = {}
        for name, path in PAGES.items():
            figures[name] = cost(asking(client, path, token), queries)
            for people in PARALLEL:
                if name in SERVED:
                    figures[name] |= throughput(app, path, people)
        with app.app_context():
            db.engine.dispose()
    return figures


def spare_what_is_loaded() -> None:
    """As the server does, in versions that know how."""
    try:
        from webapp.core import garbage
    except ImportError:
        return
    garbage.spare_what_is_loaded()


def fill() -> None:
    """Alice, an admin, and her friends. Most have been live, at different times, and some are now; all have a recording."""
    from datetime import timedelta
    from random import Random

    from sqlalchemy import insert

    from benchmarks.library import add_friends, row
    from webapp.accounts import accounts
    from webapp.core.database import db
    from webapp.models import Recording, Stream, now

    chance = Random(1)
    alice = accounts.register("alice", PASSWORD)
    friends = add_friends(alice, FRIENDS)
    db.session.flush()
    for number, friend in enumerate(friends):
        friend.display_name = f"{chance.choice('ABCDE')}. {chance.choice(('Kim', 'Lee', 'May'))} {number}"
        friend.avatar = f"{number:032x}" if number % 3 == 0 else None
        began = now() - timedelta(days=chance.randrange(1, 500))
        if number < LIVE:
            db.session.add(Stream(owner=friend, title="Kitchen radio", state="live", live_at=now()))
        elif number % 5:
            db.session.add(Stream(owner=friend, title="Kitchen radio", state="ended", live_at=began, ended_at=began))
    db.session.execute(insert(Recording), [row(owner.id, chance) for owner in (*friends, *[alice] * 100)])
    db.session.commit()


def visitor(app: Flask) -> tuple[FlaskClient, str]:
    """Another browser of Alice's, and its CSRF token."""
    client = app.test_client()
    token = (client.get("/api/session").json or {})["csrf_token"]
    answer = client.post("/api/login", json={"username": "alice", "password": PASSWORD}, headers={"X-CSRF-Token": token})
    return client, (answer.json or {})["csrf_token"]


def asking(client: FlaskClient, path: str, token: str) -> Callable[[], int]:
    """Return a call that asks for the page once and tells its size."""
    method, _, address = path.rpartition(" ")
    options: dict[str, Any] = {"headers": {"X-CSRF-Token": token}} | ({"json": {}} if method else {})

    def ask() -> int:
        answer = client.open(address, method=method or "GET", **options)
        assert answer.status_code in (200, 503 if address == "/healthz" else 200), answer.status
        return len(answer.data)

    return ask


def cost(ask: Callable[[], int], queries: list[str], repeats: int = 50) -> dict[str, float]:
    ask()
    queries.clear()
    size = ask()
    asked, taken = len(queries), []
    for _ in range(repeats):
        began = time.process_time()
        ask()
        taken.append(1000 * (time.process_time() - began))
    return {"CPU ms": median(taken), "most": max(taken), "queries": asked, "kB": size / 1000}


def throughput(app: Flask, path: str, people: int, seconds: float = 4.0) -> dict[str, float]:
    """Let as many browsers ask one after the other, each in a thread of this process."""
    visitors = [asking(client, path, token) for client, token in (visitor(app) for _ in range(people))]
    waits: list[float] = []
    end = time.monotonic() + seconds

    def keep_asking(ask: Callable[[], int]) -> None:
        while (began := time.monotonic()) < end:
            ask()
            waits.append(1000 * (time.monotonic() - began))

    threads = [threading.Thread(target=keep_asking, args=(ask,)) for ask in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    return {f"a second, {people} at once": len(waits) / seconds, f"p99 ms, {people} at once": p99}


if __name__ == "__main__":
    main()
