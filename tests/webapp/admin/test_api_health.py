"""GET /healthz says which part is down, quickly, and nothing more."""

import shutil
import time
from collections import namedtuple

import pytest

from tests.webapp.conftest import make_config
from tests.webapp.support.health_page import HealthPage
from webapp import create_app
from webapp.admin import api_health
from webapp.core import http_probe


@pytest.fixture
def part():
    with HealthPage() as page:
        yield page


@pytest.fixture
def client(config, part):
    config = make_config(config.data, livekit_url=f"ws://{part.address}", agent_health_url=f"http://{part.address}/")
    return create_app(config).test_client()


def parts_down(answer) -> list[str]:
    assert answer.status_code == (503 if answer.json["status"] == "down" else 200)
    return [name for name, state in answer.json["parts"].items() if state != "ok"]


def test_all_parts_work(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    ok = {"database": "ok", "audio_server": "ok", "noise_remover": "ok", "disk": "ok"}
    assert answer.json == {"status": "ok", "parts": ok}


def test_a_part_that_says_no_is_down(client, part):
    part.status = 503
    assert parts_down(client.get("/healthz")) == ["audio_server", "noise_remover"]


def test_a_part_that_does_not_answer_is_down_within_its_time(client, part):
    part.delay_s = 30
    began = time.monotonic()
    assert parts_down(client.get("/healthz")) == ["audio_server", "noise_remover"]
    assert time.monotonic() - began < 2 * http_probe.TIMEOUT_S + 1


def test_parts_that_are_not_there_are_down(app):
    assert parts_down(app.test_client().get("/healthz")) == ["audio_server", "noise_remover"]


def test_a_database_that_does_not_answer_is_down(config, client):
    config.data.joinpath("stillair.db").write_bytes(b"this is no database, " * 100)
    answer = client.get("/healthz")
    assert parts_down(answer) == ["database"]
    assert b"no database" not in answer.data


def test_a_full_disk_is_down(client, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, (200 + api_health.DISK_SPARE_MB) * 2**20 - 1))
    assert parts_down(client.get("/healthz")) == ["disk"]


def test_it_needs_no_log_in_and_is_not_cached(client):
    assert client.get("/healthz").headers["Cache-Control"] == "no-store"
