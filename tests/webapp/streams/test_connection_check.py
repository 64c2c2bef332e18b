"""What the server says of its parts to somebody who checks a set-up."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from tests.webapp.support.health_page import HealthPage
from tests.webapp.support.recordings_on_disk import record
from webapp.security import rate_limits


@pytest.fixture
def noise_remover():
    with HealthPage() as page:
        page.body = json.dumps({"registered": True, "places": 8, "taken": 3}).encode()
        yield page


@pytest.fixture
def ask(make_app, visit_app):
    """As somebody who has just registered, at an app with these settings."""
    return lambda **settings: visit_app(make_app(**settings), "alice").register().get("/api/checkup").json


def test_the_noise_remover_answers_and_has_places(ask, noise_remover):
    found = ask(agent_health_url=f"http://{noise_remover.address}/")
    assert found == {"noise_remover": {"answers": True, "places": 8, "free": 5}, "recording": {"state": "on", "left_bytes": None}}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"places": "many", "taken": 0}', b'{"places": 2, "taken": null}'])
def test_a_noise_remover_that_says_nothing_useful_does_not_answer(ask, noise_remover, body):
    noise_remover.body = body
    found = ask(agent_health_url=f"http://{noise_remover.address}/")
    assert found["noise_remover"] == {"answers": False, "places": 0, "free": 0}


def test_one_that_is_there_but_has_lost_the_audio_server_does_not_answer(ask, noise_remover):
    noise_remover.status = 503
    assert not ask(agent_health_url=f"http://{noise_remover.address}/")["noise_remover"]["answers"]


def test_without_a_noise_remover_nothing_is_wrong_with_the_rest(ask):
    found = ask()
    assert not found["noise_remover"]["answers"]
    assert found["recording"]["state"] == "on"


def test_a_full_disk(ask, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 200 * 2**20 - 1))
    assert ask()["recording"]["state"] == "failed"


def test_how_much_is_left_is_said_where_there_is_a_limit(make_app, visit_app, folder, ingest):
    alice = visit_app(make_app(quota_gb=0.000_1), "alice").register()
    assert alice.get("/api/checkup").json["recording"] == {"state": "on", "left_bytes": 100_000}
    record(folder, "alice", seconds=10)
    ingest()
    assert alice.get("/api/checkup").json["recording"] == {"state": "full", "left_bytes": 0}


def test_rooms_to_check_in_are_made_so_often_and_no_more(alice, monkeypatch):
    monkeypatch.setitem(rate_limits.LIMITS, "setup check", replace(rate_limits.LIMITS["setup check"], maximum=2))
    statuses = [alice.post("/api/checkup/rooms").status_code for _ in range(3)]
    assert statuses == [503, 503, 429]
