"""One of the noise remover's places is kept for the admin (Alice)."""

from __future__ import annotations

import json

import pytest

from tests.webapp.support.audio_server import AudioServerDouble
from tests.webapp.support.chats import put_on_air
from tests.webapp.support.health_page import HealthPage
from tests.webapp.test_races import at_once


@pytest.fixture
def noise_remover():
    with HealthPage() as page:
        yield page


@pytest.fixture
def app(make_app, noise_remover):
    with AudioServerDouble() as audio_server:
        yield make_app(livekit_url=audio_server.url, agent_health_url=f"http://{noise_remover.address}/")


def start(person):
    return person.post("/api/stream/start")


@pytest.mark.parametrize(("places", "status"), [(3, 503), (4, 201), (1, 201), (None, 201)])
def test_the_last_one_is_not_for_everybody(app, noise_remover, alice, bob, charlie, visit, places, status):
    if places is not None:
        noise_remover.body = json.dumps({"taken": 0, "places": places}).encode()
    for name in ("bob", "charlie"):
        put_on_air(app, name)
    answer = start(visit("dora").register())
    assert answer.status_code == status
    if status == 503:
        assert answer.json["error"]["code"] == "all_places_taken"
        assert "The server can clean 3 streams at once." in answer.json["error"]["message"]
    assert start(alice).status_code == 201


def test_the_admins_own_stream_takes_it_from_nobody(app, noise_remover, alice, bob):
    noise_remover.body = json.dumps({"taken": 1, "places": 2}).encode()
    put_on_air(app, "alice")
    assert start(bob).status_code == 201


def test_those_who_start_at_the_same_moment_do_not_get_past_it(app, noise_remover, alice, visit):
    noise_remover.body = json.dumps({"taken": 0, "places": 4}).encode()
    people = [visit(f"person{number}").register() for number in range(8)]
    assert at_once([lambda person=person: start(person).status_code for person in people]) == {201: 3, 503: 5}
