"""How often and how far friends listened: counted for the owner, and seen by nobody else."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from tests.webapp.support.recordings_on_disk import record
from webapp.core.database import db
from webapp.models import Recording, RecordingListen
from webapp.recordings import ingest, retention
from webapp.recordings import queries as recording_queries


@pytest.fixture
def recording(app, config, alice) -> str:
    recording = record(config.recordings, "alice", seconds=20)
    with app.app_context():
        ingest.ingest()
    return recording


def hear(person, recording: str, position: float, begins: bool = False):
    return person.post(f"/api/recordings/{recording}/heard", {"position": position, "begins": begins})


def listens(app) -> list[tuple[int, float]]:
    with app.app_context():
        return [(listen.times, listen.furthest) for listen in db.session.scalars(select(RecordingListen))]


def test_how_often_and_how_far(app, recording, alice, bob):
    for position, begins in ((0.5, True), (12, False), (3, True), (8, False)):
        assert hear(bob, recording, position, begins).status_code == 204
    assert listens(app) == [(2, 12.0)]
    page = " ".join(alice.get(f"/recordings/{recording}/heard").text.split())
    assert "2 times, to 00:12, today" in page
    assert re.search(r"Heard by 1\s*<", alice.get("/recordings/").text)
    hear(bob, recording, 19)
    assert "2 times, to the end, today" in " ".join(alice.get(f"/recordings/{recording}/heard").text.split())


def test_the_first_report_counts_even_if_the_beginning_was_missed(app, recording, bob):
    hear(bob, recording, 4)
    assert listens(app) == [(1, 4.0)]


def test_nobody_has_listened_yet(recording, alice):
    assert "Nobody has listened yet." in alice.get(f"/recordings/{recording}/heard").text
    assert "Heard by nobody yet" in alice.get("/recordings/").text


def test_owners_are_not_counted(app, recording, alice):
    assert hear(alice, recording, 10, begins=True).status_code == 204
    assert listens(app) == []


def test_nobody_gets_further_than_the_end(app, recording, bob):
    hear(bob, recording, 5000)
    assert listens(app) == [(1, 20.0)]


@pytest.mark.parametrize("body", [{"position": -1}, {"position": "x"}, {"position": 1e9}, {"position": 1, "begins": 1}])
def test_a_report_that_makes_no_sense_is_refused(app, recording, bob, body):
    assert bob.post(f"/api/recordings/{recording}/heard", body).status_code == 422
    assert listens(app) == []


def test_friends_see_nothing_of_it_and_are_told_that_it_is_counted(recording, bob):
    hear(bob, recording, 4)
    page = bob.get("/recordings/friends").text
    assert "Heard by" not in page
    assert "Your friends see how often and how far you listened" in page
    assert bob.get(f"/recordings/{recording}/heard").status_code == 404


def test_it_is_gone_with_the_recording(app, recording, alice, bob):
    hear(bob, recording, 4)
    alice.delete(f"/api/recordings/{recording}")
    with app.app_context():
        db.session.get(Recording, recording).deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        retention.purge()
    assert listens(app) == []
