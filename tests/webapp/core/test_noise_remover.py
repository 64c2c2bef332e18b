"""What is understood of the noise remover's health page, which the test plays."""

from __future__ import annotations

import json

import pytest

from agent.live import health_page
from agent.live.report import Report
from tests.webapp.support.health_page import HealthPage
from webapp.core import noise_remover
from webapp.core.noise_remover import Health, Slots


@pytest.fixture
def page():
    with HealthPage() as page:
        yield page


@pytest.fixture
def ask(make_app, page):
    def ask() -> Health | None:
        with make_app(agent_health_url=f"http://{page.address}/").app_context():
            return noise_remover.health()

    return ask


def page_of(*desks, registered):
    workers = [{"desk": desk} for desk in desks]
    return {"registered": registered, "places": 4, "taken": 3, "wanted_workers": 2, "workers": workers}


def test_all_that_it_says_is_read(ask, page):
    page.body = json.dumps(page_of("well", "full", registered=True)).encode()
    assert ask() == Health(ok=True, registered=True, slots=Slots(taken=3, total=4), workers=("well", "full"), wanted_workers=2)
    assert page.asked == ["/"]


def test_one_that_has_lost_the_audio_server_still_says_how_many_streams_it_cleans(ask, page):
    page.body, page.status = json.dumps(page_of(registered=False)).encode(), 503
    assert ask() == Health(ok=False, registered=False, slots=Slots(taken=3, total=4), wanted_workers=2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"places": 4}',
        b'{"places": 4, "taken": 1, "workers": 2, "wanted_workers": 2}',
        b'{"places": "four", "taken": 4}',
        b'{"places": null, "taken": 4}',
        b'{"places": Infinity, "taken": 4}',
    ],
)
def test_a_page_that_cannot_be_read_says_only_that_something_answers(ask, page, body):
    page.body = body
    assert ask() == Health(ok=True)


def test_without_an_answer_there_is_no_health(make_app, page, ask):
    page.shutdown()
    page.server_close()
    assert ask() is None
    with make_app(agent_health_url=None).app_context():
        assert noise_remover.health() is None


@pytest.mark.parametrize(("taken", "free"), [(0, 4), (3, 1), (4, 0), (5, 0)])
def test_slots_are_free_until_all_are_taken(taken, free):
    assert Slots(taken, total=4).free == free


def test_the_agent_says_what_is_read(ask, page):
    report = Report(
        is_registered=True, capacity=2, streams=1, jobs={}, desk="full", late_ms=1.25, handed_over_ms=3.0, lost_frames=0
    )
    said = health_page.Health(is_registered=True, capacity=4, streams=1, workers=[report], wanted_workers=2)
    page.body = json.dumps(said.to_json()).encode()
    assert ask() == Health(ok=True, registered=True, slots=Slots(taken=1, total=4), workers=("full",), wanted_workers=2)
