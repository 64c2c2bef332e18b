""" "Hear the difference" as far as the web app has to do with it: it passes on what the noise remover gives."""

import pytest

from tests.webapp.support.health_page import HealthPage


@pytest.fixture
def worker():
    with HealthPage() as page:
        page.body = b"fLaC of the worker"
        yield page


@pytest.fixture
def app(make_app, worker):
    return make_app(agent_health_url=f"http://{worker.address}/")


def test_everybody_gets_what_the_noise_remover_has_made(visit, worker):
    answer = visit("nobody").get("/difference/kitchen-clean.flac")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "audio/flac", b"fLaC of the worker")
    assert worker.asked == ["/samples/kitchen/clean.flac"]
    assert visit("nobody").get("/difference/street.json").mimetype == "application/json"
    assert worker.asked[1] == "/samples/street"


def test_a_player_gets_the_part_it_asks_for(visit):
    answer = visit("nobody").get("/difference/kitchen-original.flac", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.data) == (206, b"fLaC")


def test_a_browser_that_has_it_gets_nothing(visit, worker):
    worker.headers = {"ETag": '"v1"'}
    assert visit("nobody").get("/difference/kitchen-clean.flac").headers["ETag"] == '"v1"'
    assert visit("nobody").get("/difference/kitchen-clean.flac", headers={"If-None-Match": '"v1"'}).status_code == 304


@pytest.mark.parametrize("path", ["jungle.json", "jungle-clean.flac", "kitchen-loud.flac", "..%2f..%2fx.json"])
def test_what_is_no_sample_is_not_asked_for(visit, worker, path):
    assert visit("nobody").get(f"/difference/{path}").status_code == 404
    assert worker.asked == []


def test_without_a_noise_remover_it_says_so(visit, worker):
    worker.status = 503
    answer = visit("nobody").get("/difference/kitchen.json")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert "The noise remover is not ready yet." in answer.text
