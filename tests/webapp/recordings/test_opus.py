"""Recordings as Ogg Opus: made once, kept within a limit, deleted with the recording."""

from __future__ import annotations

import io
import os
from pathlib import Path

import av
import numpy as np
import pytest

from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Recording
from webapp.recordings import ingest, opus, retention
from webapp.recordings import queries as recording_queries
from webapp.security import turns


@pytest.fixture
def folder(config) -> Path:
    return config.recordings


@pytest.fixture
def add(app, folder, alice):
    def add(**options) -> str:
        recording = record(folder, "alice", **options)
        with app.app_context():
            ingest.ingest()
        return recording

    return add


@pytest.fixture
def recording(add) -> str:
    return add(seconds=3)


def test_it_is_the_whole_recording_with_its_tags(recording, bob):
    response = bob.get(f"/recordings/{recording}/audio.opus?download=1")
    assert response.mimetype == "audio/ogg"
    assert 'filename="2026-01-02 Morning talk - alice.opus"' in response.headers["Content-Disposition"]
    with av.open(io.BytesIO(response.data)) as container:
        stream = container.streams.audio[0]
        tags = {name.upper(): value for name, value in stream.metadata.items()}
        assert (container.format.name, stream.codec.name) == ("ogg", "opus")
        assert (tags["TITLE"], tags["ARTIST"]) == ("Morning talk", "alice")
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples == pytest.approx(3 * 48_000, abs=1000)  # of 20 ms packets, and what the codec adds at the beginning
    assert len(response.data) < 50_000  # the FLAC of this noise has 200 kB


def test_of_two_channels_it_has_both(add, alice):
    recording = add(seconds=3, channels=2)
    data = alice.get(f"/recordings/{recording}/audio.opus").data
    with av.open(io.BytesIO(data)) as container:
        left, right = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1).astype(float)
    assert np.std(left) == pytest.approx(2 * np.std(right), rel=0.1)


def test_it_is_made_once_and_then_has_ranges(recording, alice, folder, monkeypatch):
    first = alice.get(f"/recordings/{recording}/audio.opus").data
    assert (folder / f"{recording}.opus").read_bytes() == first
    monkeypatch.setattr(opus, "make", None)
    part = alice.get(f"/recordings/{recording}/audio.opus", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, first[100:200])


def test_what_was_asked_for_longest_ago_goes_first(add, alice, folder, monkeypatch):
    ids = [add(seconds=1) for _ in range(3)]
    for number, recording in enumerate(ids[:2]):
        assert alice.get(f"/recordings/{recording}/audio.opus").data
        os.utime(folder / f"{recording}.opus", (number, number))
    assert alice.get(f"/recordings/{ids[0]}/audio.opus").data  # asked for again
    monkeypatch.setattr(opus, "KEPT_BYTES", 2 * (folder / f"{ids[0]}.opus").stat().st_size + 1000)
    assert alice.get(f"/recordings/{ids[2]}/audio.opus").data
    assert {path.stem for path in folder.glob("*.opus")} == {ids[0], ids[2]}


def test_one_is_made_at_a_time(app, recording, alice, bob):
    with app.app_context():
        give_back = turns.take("opus", accounts.find("alice").id)
    refused = {person.username: person.get(f"/recordings/{recording}/audio.opus") for person in (alice, bob)}
    assert {name: (answer.status_code, answer.headers["Retry-After"]) for name, answer in refused.items()} == {
        "alice": (429, "30"),
        "bob": (503, "30"),
    }
    give_back()
    assert bob.get(f"/recordings/{recording}/audio.opus").data[:4] == b"OggS"


def test_one_that_takes_too_long_is_given_up_and_leaves_nothing_behind(recording, alice, folder, monkeypatch):
    before = sorted(folder.iterdir())
    monkeypatch.setattr(opus, "MAKING_S", -1)
    assert alice.get(f"/recordings/{recording}/audio.opus").status_code == 503
    assert sorted(folder.iterdir()) == before
    monkeypatch.undo()
    assert alice.get(f"/recordings/{recording}/audio.opus").data[:4] == b"OggS"


def test_what_is_still_recorded_waits(add, alice):
    growing = add(finished=False)
    assert alice.get(f"/recordings/{growing}/audio.opus").status_code == 409


def test_a_folder_that_takes_no_file_only_means_that_it_is_made_again(recording, alice, folder):
    (folder / f"{recording}.opus").mkdir()
    for _ in range(2):
        assert alice.get(f"/recordings/{recording}/audio.opus").data[:4] == b"OggS"


def test_where_room_is_short_it_is_sent_and_not_kept(make_app, visit_app, recording, folder):
    before = sorted(folder.iterdir())
    person = visit_app(make_app(low_water_mb=10**9), "alice").log_in()
    assert person.get(f"/recordings/{recording}/audio.opus").data[:4] == b"OggS"
    assert sorted(folder.iterdir()) == before


def test_one_that_is_being_made_goes_with_its_recording(app, recording, folder):
    with app.app_context():
        files = recording_queries.folder()
        draft = files.begin_opus(recording)
        draft.write(b"OggS")
        files.delete(recording)
        draft.keep()
    assert list(folder.iterdir()) == []


def test_it_is_deleted_with_the_recording(app, recording, alice, folder):
    assert alice.get(f"/recordings/{recording}/audio.opus").data
    alice.delete(f"/api/recordings/{recording}")
    with app.app_context():
        db.session.get(Recording, recording).deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        retention.purge()
    assert list(folder.iterdir()) == []
