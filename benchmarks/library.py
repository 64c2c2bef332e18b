"""What lists cost the web app when there are many recordings: `python -m benchmarks.library`, half a minute.

Alice has 10,000 recordings, her 20 friends have 10,000 together. Every figure is a whole request inside the server: routing,
log-in, database, template. CPU time, so that other programs do not count; nothing waits for a network or a disk here. Goal:
under 50 ms.
"""

from __future__ import annotations

import argparse
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import flask_migrate
from flask import Flask
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from webapp import create_app
from webapp.accounts import accounts
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.text import search_key
from webapp.models import Friendship, Recording, User, now
from webapp.recordings import listing
from webapp.recordings.listing import ListQuery

WORDS = [
    "morning",
    "evening",
    "late",
    "talk",
    "story",
    "kitchen",
    "radio",
    "walk",
    "band",
    "practice",
    "allotment",
    "committee",
    "wheelbarrow",
    "Späte",
    "Stunde",
    "vinyl",
    "side",
    "drummer",
    "nobody",
    "remembers",
    "cooked",
    "burned",
    "rain",
    "garden",
]
GOAL_MS = 50


def make_app(data: Path) -> Flask:
    secret = secrets.token_hex(20)
    config = Config(
        data=data,
        secret_key=secret,
        livekit_url="ws://127.0.0.1:9",
        livekit_api_key="bench",
        livekit_api_secret=secret,
        database_url=f"sqlite:///{data / 'stillair.db'}",
        recordings=data / "recordings",
        argon2_memory_kib=8,
        argon2_time_cost=1,
    )
    app = create_app(config)
    with app.app_context():
        flask_migrate.upgrade()
    return app


def fill(count: int, friends: int) -> None:
    """Alice's `count`, and as many of her friends together."""
    alice = accounts.register("alice", "correct horse battery")
    people = add_friends(alice, friends)
    chance = random.Random(1)
    rows = [row(alice.id, chance) for _ in range(count)]
    rows += [row(people[number % friends].id, chance) for number in range(count)]
    db.session.execute(insert(Recording), rows)
    db.session.commit()


def add_friends(of: User, count: int) -> list[User]:
    people = [User(username=name, username_key=name, display_name=name, password_hash="") for name in names(count)]
    db.session.add_all(people)
    db.session.flush()
    db.session.add_all(Friendship(low_id=of.id, high_id=friend.id) for friend in people)
    return people


def names(count: int) -> list[str]:
    return [f"friend-{number}" for number in range(count)]


def row(owner_id: int, chance: random.Random) -> dict[str, object]:
    title = " ".join(chance.sample(WORDS, 4))
    return {
        "id": secrets.token_hex(16),
        "owner_id": owner_id,
        "title": title,
        "title_key": search_key(title),
        "started_at": now() - timedelta(minutes=chance.randrange(10**6)),
        "duration": chance.random() * 7200,
        "size": 10**7,
        "state": "closed",
        "gaps": [],
        "paused": [],
    }


def milliseconds(action: Callable[[], object], repeats: int) -> list[float]:
    """Of CPU time."""
    action()
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        action()
        taken.append(1000 * (time.process_time() - begin))
    return taken


def last_id(view: str, order: str) -> str:
    """Of a page in the middle of the list."""
    alice = accounts.find("alice")
    assert alice is not None
    before = ""
    for _ in range(20):
        list_query = ListQuery(order=order, before=before)
        page = listing.of_person(alice, alice, list_query) if view == "mine" else listing.of_friends(alice, list_query)
        before = page.recordings[-1].id
    return before


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=10_000)
    arguments.add_argument("--friends", type=int, default=20)
    arguments.add_argument("--repeats", type=int, default=20)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        app = make_app(Path(name))
        with app.app_context():
            fill(options.count, options.friends)
            places = {(view, order): last_id(view, order) for view in ("mine", "friends") for order in listing.ORDERS}
        Console().print(measure(app, places, options.repeats))
        with app.app_context():
            db.engine.dispose()


def measure(app: Flask, places: dict[tuple[str, str], str], repeats: int) -> Table:
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]  # type: ignore[index]
    client.post("/api/login", json={"username": "alice", "password": "correct horse battery"}, headers={"X-CSRF-Token": token})
    paths = [("home", "/"), ("JSON", "/api/recordings/alice")]
    for view, path in (("mine", "/recordings/"), ("friends", "/recordings/friends")):
        for order in listing.ORDERS:
            paths.append((f"{view}, {order}", f"{path}?order={order}"))
            paths.append((f"{view}, {order}, page 21", f"{path}?order={order}&before={places[view, order]}"))
        paths.append((f"{view}, two words", f"{path}?q=spate+radio"))
        paths.append((f"{view}, words that nobody has", f"{path}?q=zzz"))
    table = Table("list", "median", "slowest", f"under {GOAL_MS} ms", title="CPU time of requests for lists")
    for words, path in paths:

        def ask(path: str = path) -> None:
            assert client.get(path).status_code == 200

        taken = milliseconds(ask, repeats)
        good = "yes" if statistics.median(taken) < GOAL_MS else "NO"
        table.add_row(words, f"{statistics.median(taken):.1f} ms", f"{max(taken):.1f} ms", good)
    return table


if __name__ == "__main__":
    main()
