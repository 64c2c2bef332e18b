"""What the status page says of each part, and why somebody was told that the noise remover has not answered."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from datetime import timedelta

import pytest

from tests.webapp.conftest import POSTGRES
from tests.webapp.support.health_page import HealthPage
from webapp.accounts import accounts
from webapp.admin import heartbeat, status
from webapp.core.database import db
from webapp.models import Setting, Stream, now

WELL = {"registered": True, "places": 4, "taken": 1, "wanted_workers": 1, "workers": [{"desk": "well"}]}


@pytest.fixture
def audio_server():
    with HealthPage() as page:
        yield page


@pytest.fixture
def remover():
    with HealthPage() as page:
        page.body = json.dumps(WELL).encode()
        yield page


@pytest.fixture
def app(make_app, audio_server, remover):
    return make_app(livekit_url=f"ws://{audio_server.address}", agent_health_url=f"http://{remover.address}/")


@pytest.fixture
def look(app, alice):
    """Looks, and returns one part."""

    def look(name: str) -> status.Part:
        with app.test_request_context():
            return {part.name: part for part in status.check().parts}[name]

    return look


def test_all_is_well(app, alice):
    with app.app_context():
        heartbeat.beat()
    page = alice.get("/admin/").text
    assert "Everything works." in page
    assert "1 of 4 slots in use." in page
    assert ("PostgreSQL" if POSTGRES else "SQLite 3.") in page
    assert "Needs attention" not in page


def test_one_thing_needs_a_look(alice):
    page = alice.get("/admin/").text
    assert "Streams work. One thing needs attention." in page
    assert "log/reconciler.log" in page


@pytest.mark.parametrize(
    ("said", "http_status", "words", "next_step"),
    [
        ({}, 200, "It is ready for the next stream.", ""),
        ({"registered": False}, 503, "It is running, but has not found the audio server yet.", "log/noise-remover.log"),
        ({"taken": 4}, 200, "All slots are in use.", "more processor cores"),
        ({"taken": "many"}, 200, "It is running, but has not found the audio server yet.", "log/noise-remover.log"),
    ],
)
def test_the_noise_remover(look, remover, said, http_status, words, next_step):
    remover.body, remover.status = json.dumps(WELL | said).encode(), http_status
    part = look("Noise remover")
    assert words in part.words
    assert next_step in part.next_step
    assert (part.state == "well") is (not next_step)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b'{"registered": true}'])
def test_an_answer_that_is_none_needs_a_look(look, remover, body):
    remover.body = body
    assert look("Noise remover").state == "look"


def test_a_noise_remover_that_does_not_run_is_why_it_has_not_answered(app, alice, look, remover):
    remover.shutdown()
    remover.server_close()
    part = look("Noise remover")
    assert "People who press Start Streaming are told that it has not answered." in part.words
    assert "Nobody can go live at the moment." in alice.get("/admin/").text


def test_one_that_waits_for_the_audio_server_says_so(look, audio_server, remover):
    audio_server.status = 503
    remover.body = json.dumps(WELL | {"registered": False}).encode()
    assert look("Noise remover").next_step == "Check the audio server first."
    assert "Nobody can go live or listen" in look("Audio server").words


def test_streams_that_it_does_not_come_to_are_counted(app, look):
    with app.app_context():
        db.session.add(Stream(owner=accounts.find("alice"), title="On air", state="starting", dispatch_tries=2))
        db.session.commit()
    assert "1 stream has asked for it twice without an answer." in look("Noise remover").words
    assert look("Audio server").words == "1 stream, 0 listeners."


@pytest.mark.parametrize(
    ("desks", "words"),
    [
        (["well", "well"], "All streams are cleaned in time."),
        (["well"], "A worker is starting."),
        (["well", "full"], "no new stream is taken"),
        (["shedding", "full"], "some are sent with their original sound"),
    ],
)
def test_how_the_workers_keep_up_is_told(look, remover, desks, words):
    remover.body = json.dumps(WELL | {"wanted_workers": 2, "workers": [{"desk": desk} for desk in desks]}).encode()
    assert words in look("Cleaning").words


@pytest.mark.parametrize(("ago_s", "state"), [(1, "well"), (100, "look")])
def test_the_reconciler_is_there_when_it_has_said_so_just_now(app, look, ago_s, state):
    with app.app_context():
        db.session.merge(Setting(key=heartbeat.KEY, value=(now() - timedelta(seconds=ago_s)).isoformat()))
        db.session.commit()
    assert look("Reconciler").state == state


@pytest.mark.parametrize(
    ("free_mb", "words"),
    [
        (1_000_000, "enough for about 4463 hours of streams."),
        (1200, "1.3 GB are free, enough for about 4 hours of streams."),
        (150, "The disk is full"),
    ],
)
def test_the_disk(look, monkeypatch, free_mb, words):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, free_mb * 2**20))
    part = look("Recordings")
    assert words in part.words
    assert (part.state == "well") is (free_mb > 10_000)


def test_a_folder_that_cannot_be_written(look, monkeypatch, config):
    monkeypatch.setattr(os, "access", lambda *_: False)
    part = look("Recordings")
    assert "is not writable" in part.words
    assert str(config.recordings) in part.next_step


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://air.example.org", "well"),
        ("http://air.example.org", "look"),
        ("http://localhost:8000", "off"),
    ],
)
def test_whether_browsers_give_the_microphone(make_app, alice, url, state):
    app = make_app(public_url=url)
    with app.test_request_context():
        assert {part.name: part.state for part in status.check().parts}["Secure page"] == state
