"""Drawings of recordings: served to those who may hear them, small, and kept by browsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.webapp.support.recordings_on_disk import record
from webapp.core.database import db
from webapp.models import Recording
from webapp.recordings import ingest, retention
from webapp.recordings import queries as recording_queries
from webapp.recordings.waveform import reduced


@pytest.fixture
def folder(config) -> Path:
    return config.recordings


@pytest.fixture
def recording(app, folder, alice) -> str:
    recording = record(folder, "alice", seconds=2)
    with app.app_context():
        ingest.ingest()
    return recording


@pytest.mark.parametrize(
    ("peaks", "count", "bars"),
    [
        (b"", 4, b""),
        (b"\1\2", 4, b"\1\2"),
        (b"\1\2\3\4", 4, b"\1\2\3\4"),
        (b"\1\5\2\1\0\0", 3, b"\5\2\0"),
        (b"\1\2\3\4\5", 2, b"\2\5"),
    ],
)
def test_fewer_bars_keep_the_loudest(peaks, count, bars):
    assert reduced(peaks, count) == bars


def test_a_day_is_as_small_as_a_minute_and_nothing_is_left_out():
    day = bytearray(900_000)
    day[0] = day[-1] = day[123_456] = 200
    bars = reduced(bytes(day), 400)
    assert len(bars) == 400
    assert (bars[0], bars[-1], sum(map(bool, bars))) == (200, 200, 3)


def test_browsers_ask_again_and_get_nothing_twice(recording, alice, folder):
    first = alice.get(f"/recordings/{recording}/peaks")
    assert first.data == (folder / f"{recording}.peaks").read_bytes()
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = alice.get(f"/recordings/{recording}/peaks", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_one_that_still_grows_is_kept_by_nobody(app, folder, alice):
    growing = record(folder, "alice", finished=False)
    with app.app_context():
        ingest.ingest()
    response = alice.get(f"/recordings/{growing}/peaks")
    assert (response.headers["Cache-Control"], response.headers.get("ETag")) == ("private, no-store", None)
    assert len(response.data) == 6


def test_a_recording_without_a_drawing_is_played_all_the_same(recording, alice, folder):
    (folder / f"{recording}.peaks").unlink()
    response = alice.get(f"/recordings/{recording}/peaks")
    assert (response.status_code, response.data) == (200, b"")


def test_a_list_shows_drawings_without_opening_files(app, recording, alice, folder):
    with app.app_context():
        assert db.session.get(Recording, recording).outline == (folder / f"{recording}.peaks").read_bytes()
    (folder / f"{recording}.peaks").unlink()
    assert '<svg class="wave"' in alice.get("/recordings/").text


def test_a_drawing_is_deleted_with_its_recording(app, recording, alice, folder):
    alice.delete(f"/api/recordings/{recording}")
    with app.app_context():
        db.session.get(Recording, recording).deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        retention.purge()
    assert list(folder.iterdir()) == []
