"""A web app with a database of its own for every test, and the people in it: Alice (owner), Bob (friend), Charlie (stranger)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp import create_app
from webapp.config import Config
from webapp.extensions import db

PASSWORD = "correct horse battery"


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
        argon2_memory_kib=8,
        argon2_time_cost=1,
    )
    return replace(config, **changes)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once by the migrations and copied for every test."""
    config = make_config(tmp_path_factory.mktemp("migrated"))
    app = create_app(config)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    return config.data / "stillair.db"


@pytest.fixture
def config(tmp_path: Path, migrated_database: Path) -> Config:
    shutil.copy(migrated_database, tmp_path / "stillair.db")
    return make_config(tmp_path)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """For tests that call domain functions or look into the database."""
    with app.app_context():
        yield


class Person:
    """Somebody's browser: keeps cookies and sends the CSRF token, as the pages do."""

    def __init__(self, app: Flask, username: str) -> None:
        self.username = username
        self.client: FlaskClient = app.test_client()
        self.csrf_token = self.client.get("/api/session").json["csrf_token"]

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"X-CSRF-Token": self.csrf_token, **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.request("DELETE", path, **options)

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
def anonymous(app: Flask) -> Person:
    return Person(app, "nobody")


@pytest.fixture
def alice(app: Flask) -> Person:
    return Person(app, "alice").register()


@pytest.fixture
def bob(app: Flask, alice: Person) -> Person:
    """Alice's friend."""
    bob = Person(app, "bob").register()
    bob.befriend(alice)
    return bob


@pytest.fixture
def charlie(app: Flask, alice: Person) -> Person:
    """A stranger to both."""
    return Person(app, "charlie").register()
