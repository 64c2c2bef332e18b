"""A web app with a database of its own for every test, and the people in it: Alice (owner), Bob (friend), Charlie (stranger)."""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import CodeType, MethodType
from typing import Any
from uuid import uuid4

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, create_engine, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import tests.webapp.support.events  # noqa: F401  # holds every event to its description
from tests.webapp.support.answers import problem_of
from tests.webapp.support.chats import put_on_air
from webapp import create_app
from webapp.core.config import Config
from webapp.core.database import db
from webapp.recordings import ingest as recording_ingest

POSTGRES = os.environ.get("STILLAIR_TEST_POSTGRES", "")
"""Tests run on this server instead of SQLite: postgresql+psycopg://user@host:port, without a database's name."""

MEMORY = Path("/dev/shm")
"""A folder in memory, where Linux has one. Every test opens and closes a database, and a disk takes milliseconds for that."""
MIN_FREE_BYTES = 2 * 2**30
KEPT_FOLDERS = 20
"""A thread that is about to end may still look into the folder of the test before."""

PASSWORD = "correct horse battery"


class CompiledTemplates(BytecodeCache):
    """Shared by all apps of a test run, each of which would compile what it shows again."""

    def __init__(self) -> None:
        self._compiled: dict[str, CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.code


TEMPLATES = CompiledTemplates()


def _remember_routes() -> None:
    """Most of the time that an app takes to be made is spent by Werkzeug on compiling the same routes again."""
    compile_rule, compiled = Rule.compile, {}

    def remembered(rule: Rule) -> None:
        key = rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults)
        if key not in compiled:
            compile_rule(rule)
            compiled[key] = (
                {name: getattr(rule, name) for name in ("_parts", "_trace", "_converters", "arguments")},
                (
                    rule._build.__func__,
                    rule._build_unknown.__func__,
                ),
            )
        made, (build, build_unknown) = compiled[key]
        vars(rule).update(made, _build=MethodType(build, rule), _build_unknown=MethodType(build_unknown, rule))

    Rule.compile = remembered


_remember_routes()


class CompiledStatements:
    """Shared by all databases of a test run: SQLAlchemy would compile each statement again for each of them."""

    def __init__(self) -> None:
        self._dialect: Dialect | None = None
        self._compiled: dict[Any, Any] = {}

    def remember(self, app: Flask) -> None:
        """Take the dialect of `app`, which has been connected to its database, as the one of all others."""
        with app.app_context():
            self._dialect = db.engine.dialect

    def share(self, app: Flask) -> None:
        """Make `app` use what was compiled for others. The dialect is part of the key of a compiled statement."""
        if self._dialect is None:
            return
        with app.app_context():
            db.engine.dialect, db.engine._compiled_cache = self._dialect, self._compiled
            db.engine.pool._dialect = self._dialect


STATEMENTS = CompiledStatements()


def make_config(data: Path, **changes: Any) -> Config:
    """Real settings, but for a password hash that takes microseconds."""
    config = Config(
        data=data,
        secret_key="s" * 40,
        livekit_url="ws://127.0.0.1:18249",
        livekit_api_key="test",
        livekit_api_secret="t" * 40,
        database_url=f"sqlite:///{data / 'stillair.db'}",
        recordings=data / "recordings",
        quota_gb=0.0,
        argon2_memory_kib=8,
        argon2_time_cost=1,
    )
    return replace(config, **changes)


@pytest.fixture(scope="session")
def folders_in_memory() -> Iterator[Callable[[], Path] | None]:
    """Make folders and keep the latest of them. None: there is not enough room for them."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < MIN_FREE_BYTES:
        yield None
        return
    with TemporaryDirectory(prefix="stillair-tests-", dir=MEMORY, ignore_cleanup_errors=True) as root:
        made: deque[Path] = deque()

        def make() -> Path:
            if len(made) == KEPT_FOLDERS:
                shutil.rmtree(made.popleft(), ignore_errors=True)
            made.append(Path(mkdtemp(dir=root)))
            return made[-1]

        yield make


@pytest.fixture
def tmp_path(folders_in_memory: Callable[[], Path] | None, request: pytest.FixtureRequest) -> Path:
    """Take a folder in memory where there is room for it, else the one of pytest."""
    return folders_in_memory() if folders_in_memory else request.getfixturevalue("tmp_path")


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once by the migrations and copied for every test."""
    config = make_config(tmp_path_factory.mktemp("migrated"))
    app = create_app(config)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    STATEMENTS.remember(app)
    return config.data / "stillair.db"


@pytest.fixture
def config(tmp_path: Path, request: pytest.FixtureRequest) -> Config:
    if POSTGRES:
        return make_config(tmp_path, database_url=request.getfixturevalue("postgres_database"))
    shutil.copy(request.getfixturevalue("migrated_database"), tmp_path / "stillair.db")
    return make_config(tmp_path)


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a template database."""
    name = f"stillair_migrated_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    _on_postgres(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    app = create_app(make_config(tmp_path_factory.mktemp("migrated"), database_url=f"{POSTGRES}/{name}"))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    STATEMENTS.remember(app)
    return name


@pytest.fixture
def postgres_database(migrated_postgres: str) -> Iterator[str]:
    name = f"stillair_test_{uuid4().hex}"
    _on_postgres(f"CREATE DATABASE {name} TEMPLATE {migrated_postgres}")
    yield f"{POSTGRES}/{name}"
    _on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


def _on_postgres(*statements: str) -> None:
    engine = create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def make_app(config: Config) -> Iterator[Callable[..., Flask]]:
    """Apps on this test's database, with settings changed."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        made.append(create_app(replace(config, **changes)))
        made[-1].testing = True
        made[-1].jinja_env.bytecode_cache = TEMPLATES
        STATEMENTS.share(made[-1])
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """For tests that call domain functions without any request; a request would share `g` with it."""
    with app.app_context():
        yield


class EventReader:
    """Reads an event stream one event after the other; gives up when three heartbeats came instead."""

    def __init__(self, response: TestResponse) -> None:
        assert response.status_code == 200
        self._response = response
        self._parts = iter(response.response)
        self.last_id = int(self._next_part().split("id: ")[1])  # the opening: "retry: ...", "id: ..."

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def _next_part(self) -> str:
        part = next(self._parts)
        return part.decode() if isinstance(part, bytes) else part

    def next(self) -> tuple[str, Any]:
        """Kind and data. Raises StopIteration when the stream has ended."""
        for _ in range(3):
            part = self._next_part()
            if not part.startswith(":"):
                fields = dict(line.split(": ", 1) for line in part.splitlines() if line)
                self.last_id = int(fields["id"])
                return fields["event"], json.loads(fields["data"])
        raise AssertionError("no event")


class Person:
    """Somebody's browser: keeps cookies and sends the CSRF token, as the pages do. Every answer must be one that is described."""

    def __init__(self, app: Flask, username: str) -> None:
        self.username = username
        self.client: FlaskClient = app.test_client()
        self.csrf_token = self.client.get("/api/session").json["csrf_token"]

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"X-CSRF-Token": self.csrf_token, **options.pop("headers", {})}
        response = self.client.open(path, method=method, headers=headers, **options)
        assert not (problem := problem_of(self.client.application, method, path, response)), problem
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.request("PATCH", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.request("DELETE", path, **options)

    def events(self, path: str = "/events", **options: Any) -> EventReader:
        """Opens an event stream; tests close it by `with`."""
        return EventReader(self.get(path, **options))

    def enter(self, path: str, password: str = PASSWORD) -> TestResponse:
        response = self.post(path, {"username": self.username, "password": password})
        if response.status_code < 300:
            self.csrf_token = response.json["csrf_token"]
        return response

    def register(self) -> Person:
        assert self.enter("/api/register").status_code == 201
        return self

    def log_in(self) -> Person:
        assert self.enter("/api/login").status_code == 200
        return self

    def ask(self, other: Person) -> str:
        """Sends a friend request; returns its id."""
        response = self.post("/api/friend-request/send", {"username": other.username})
        assert response.status_code == 201
        return response.json["id"]

    def befriend(self, other: Person) -> None:
        request_id = self.ask(other)
        assert other.post(f"/api/friend-request/{request_id}/respond", {"action": "accept"}).status_code == 200


@pytest.fixture
def visit_app() -> Callable[[Flask, str], Person]:
    """Another browser, not logged in."""
    return Person


@pytest.fixture
def visit(app: Flask) -> Callable[[str], Person]:
    """Another browser of the usual app."""
    return lambda username: Person(app, username)


@pytest.fixture
def anonymous(visit: Callable[[str], Person]) -> Person:
    return visit("nobody")


@pytest.fixture
def alice(visit: Callable[[str], Person]) -> Person:
    return visit("alice").register()


@pytest.fixture
def bob(visit: Callable[[str], Person], alice: Person) -> Person:
    """Alice's friend."""
    bob = visit("bob").register()
    bob.befriend(alice)
    return bob


@pytest.fixture
def charlie(visit: Callable[[str], Person], alice: Person) -> Person:
    """A stranger to both."""
    return visit("charlie").register()


@pytest.fixture
def folder(config) -> Path:
    """Of the recordings."""
    return config.recordings


@pytest.fixture
def ingest(app):
    """Takes over what lies in the folder."""

    def ingest() -> None:
        with app.app_context():
            recording_ingest.ingest()

    return ingest


@pytest.fixture
def stream(app, alice) -> str:
    """Alice's, on air; its id."""

    return put_on_air(app, "alice")
