"""Pieces of recordings: exactly the samples asked for, for those who may hear the whole. Judges: flac, libsndfile."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from contract.flac import parse_frame_header
from contract.recording import RecordingHead, RecordingManifest, Span
from tests.webapp.support.recordings_on_disk import RATE, record, record_more
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.core.text import parse_clock
from webapp.models import Recording
from webapp.recordings import editing, retention
from webapp.recordings import ingest as recording_ingest
from webapp.recordings import queries as recording_queries
from webapp.recordings.files import RecordingFiles
from webapp.security import turns


@pytest.fixture
def recording(folder, alice, ingest) -> str:
    """Three seconds and a bit: the last frame is a short one."""
    recording = record(folder, "alice", seconds=3.01)
    ingest()
    return recording


def samples(flac: bytes | Path) -> np.ndarray:
    return soundfile.read(io.BytesIO(flac) if isinstance(flac, bytes) else str(flac), dtype="int16")[0]


def judged_by_flac(data: bytes, tmp_path: Path) -> str:
    (tmp_path / "judged.flac").write_bytes(data)
    done = subprocess.run(["flac", "--test", tmp_path / "judged.flac"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and "WARNING" not in done.stderr else done.stderr


FRAME = 4608


LEAST = 16  # samples of a frame that is not the last one


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((2 * FRAME - LEAST + 1) / RATE, 3),
        ((2 * FRAME - LEAST + 1) / RATE, (2 * FRAME + 1) / RATE),
        ((2 * FRAME - LEAST) / RATE, 3),
        ((2 * FRAME - 1) / RATE, 2 * FRAME / RATE),
        (2 * FRAME / RATE, 3.01),
        (2 * FRAME / RATE, (2 * FRAME + 1) / RATE),
        (0, 3.01),
        (0, 1),
        (0, 1 / RATE),
        (FRAME / RATE, 2 * FRAME / RATE),
        ((FRAME - 1) / RATE, (FRAME + 1) / RATE),
        (1.2345, 1.2346),
        (1.111, 2.999),
        (2.9, 3.01),
        (2.5, 99),
        (-1, None),
        (-99, None),
        (3.0099, None),
    ],
)
def test_a_clip_is_the_samples_that_were_asked_for(recording, alice, folder, tmp_path, start, end):
    query = {"start": start} | ({} if end is None else {"end": end})
    response = alice.client.get(f"/recordings/{recording}/clip.flac", query_string=query)
    whole = samples(folder / f"{recording}.flac")
    first = round(max(0.0, start if start >= 0 else start + 3.01) * RATE)
    last = len(whole) if end is None else min(len(whole), round(end * RATE))
    np.testing.assert_array_equal(samples(response.data), whole[first:last])
    assert judged_by_flac(response.data, tmp_path) == ""
    head = RecordingHead.from_bytes(response.data)
    assert (head.samples, head.end) == (last - first, len(response.data))


def frames(flac: bytes) -> list[bytes]:
    """As FFmpeg's parser finds them."""
    with av.open(io.BytesIO(flac)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("start", "end", "copied"),
    [
        (5 * FRAME, 20 * FRAME, 15),
        (5 * FRAME, 20 * FRAME + 1, 15),
        (5 * FRAME + 1, 20 * FRAME, 14),
        (5 * FRAME - 17, 20 * FRAME + 99, 15),
    ],
)
def test_frames_within_the_piece_are_not_encoded_again(recording, alice, folder, start, end, copied):
    def sound_of(frame: bytes) -> bytes:
        return frame[parse_frame_header(frame[:16]).size : -2]

    clip = alice.client.get(f"/recordings/{recording}/clip.flac", query_string={"start": start / RATE, "end": end / RATE}).data
    source = [sound_of(frame) for frame in frames((folder / f"{recording}.flac").read_bytes())]
    found = [sound_of(frame) for frame in frames(clip)]
    first = -(-start // FRAME)
    assert found[len(found) - copied - (end % FRAME > 0) :][:copied] == source[first : first + copied]
    numbers = [parse_frame_header(frame[:16]) for frame in frames(clip)]
    assert {head.counts_samples for head in numbers} == {start % FRAME > 0}


def test_a_long_clip_goes_without_the_checksum_of_all_samples(recording, alice, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("webapp.recordings.clips.MD5_S", 1.0)
    clip = alice.get(f"/recordings/{recording}/clip.flac?start=1.5&end=2.75").data
    np.testing.assert_array_equal(samples(clip), samples(folder / f"{recording}.flac")[round(1.5 * RATE) : round(2.75 * RATE)])
    assert RecordingHead.from_bytes(clip).md5 == bytes(16)
    assert "cannot check MD5 signature since it was unset" in judged_by_flac(clip, tmp_path)


def test_a_clip_too_long_for_memory_waits_on_the_disk_and_leaves_nothing_there(recording, alice, folder, monkeypatch):
    before = sorted(folder.iterdir())
    monkeypatch.setattr("webapp.recordings.files.SCRATCH_IN_MEMORY_BYTES", 1)
    assert len(samples(alice.get(f"/recordings/{recording}/clip.flac?start=0.1").data)) == round(3.01 * RATE) - round(0.1 * RATE)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("damage", [slice(30_000, 30_500), slice(60_000, None)])
def test_what_cannot_be_read_is_no_clip(recording, alice, folder, damage):
    path = folder / f"{recording}.flac"
    data = bytearray(path.read_bytes())
    data[damage] = bytes(len(data[damage]))
    path.write_bytes(data)
    answer = alice.get(f"/recordings/{recording}/clip.flac?start=0.05")
    assert answer.status_code == 409
    assert "Try another part of it." in answer.json["error"]["message"]


@pytest.mark.parametrize(("start", "end"), [(1.111, 2.999), (0, 3.01), (5 * FRAME / RATE, 20 * FRAME / RATE), (2.9, 3.01)])
def test_a_clip_of_a_stereo_recording_is_stereo(folder, alice, ingest, tmp_path, start, end):
    recording = record(folder, "alice", seconds=3.01, channels=2)
    ingest()
    clip = alice.client.get(f"/recordings/{recording}/clip.flac", query_string={"start": start, "end": end}).data
    whole = samples(folder / f"{recording}.flac")
    assert whole.shape[1] == 2
    np.testing.assert_array_equal(samples(clip), whole[round(start * RATE) : round(end * RATE)])
    assert judged_by_flac(clip, tmp_path) == ""


def test_of_a_stream_that_is_on_air_the_last_seconds(folder, alice, bob, ingest, tmp_path):
    growing = record(folder, "alice", seconds=0.96, finished=False)
    ingest()
    record_more(folder, growing, 0.96)
    response = bob.get(f"/recordings/{growing}/clip.flac?start=-0.5")
    np.testing.assert_array_equal(samples(response.data), samples(folder / f"{growing}.flac")[-RATE // 2 :])
    assert judged_by_flac(response.data, tmp_path) == ""


def test_a_clip_to_download_has_a_name_and_tags(recording, alice):
    response = alice.get(f"/recordings/{recording}/clip.flac?start=1&end=2.5")
    assert response.headers["Content-Disposition"] == 'attachment; filename="2026-01-02 Morning talk 00 01 to 00 02 - alice.flac"'
    assert response.headers["Cache-Control"] == "private, no-store"
    with soundfile.SoundFile(io.BytesIO(response.data)) as file:
        assert (file.title, file.artist) == ("Morning talk", "alice")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=4", "start"),
        ("start=2&end=2", "end"),
        ("start=2&end=1", "end"),
        ("end=-1", "end"),
        ("start=x", "start"),
        ("start=nan", "start"),
        ("end=inf", "end"),
        ("start=1e300", "start"),
    ],
)
def test_a_piece_that_is_none_is_a_wrong_field(recording, alice, query, field):
    response = alice.get(f"/recordings/{recording}/clip.flac?{query}", headers={"Accept": "application/json"})
    assert response.status_code == 422


def test_a_clip_has_a_greatest_length(app, recording, alice, monkeypatch):
    monkeypatch.setattr("webapp.recordings.clips.MAX_S", 1.0)
    assert alice.get(f"/recordings/{recording}/clip.flac?end=1.001").status_code == 422
    assert alice.get(f"/recordings/{recording}/clip.flac?end=1").status_code == 200


# As a recording of its own


def keep(person, recording: str, **body):
    return person.post(f"/api/recordings/{recording}/clips", {"title": "The best part", **body})


def test_a_clip_is_kept_as_a_recording_like_any_other(app, recording, alice, bob, folder, tmp_path):
    RecordingFiles(folder).write_manifest(
        RecordingManifest(
            recording,
            "alice",
            "Morning talk",
            "2026-01-02T03:04:05Z",
            "closed",
            round(3.01 * RATE),
            gaps=(Span(0.2, 0.1, "connection"), Span(0.9, 0.4, "connection")),
            paused=(Span(1.9, 1.0, "overload"),),
        )
    )
    with app.app_context():
        recording_ingest.ingest()
    made = keep(alice, recording, start=1, end=2).json["recording"]
    assert (made["title"], made["owner"], made["duration"], made["state"]) == ("The best part", "alice", 1.0, "closed")
    assert (made["started_at"], made["clip_of"]) == ("2026-01-02T03:04:06.000Z", recording)
    assert [(round(gap["start"], 3), round(gap["length"], 3)) for gap in made["gaps"]] == [(0, 0.3)]
    assert [(round(span["start"], 3), round(span["length"], 3)) for span in made["paused"]] == [(0.9, 0.1)]
    data = bob.get(made["audio_url"]).data
    np.testing.assert_array_equal(samples(data), samples(folder / f"{recording}.flac")[RATE : 2 * RATE])
    assert judged_by_flac(data, tmp_path) == ""
    assert bob.get(f"/recordings/{made['id']}/peaks").data == (folder / f"{recording}.peaks").read_bytes()[10:21]
    assert {found["id"] for found in bob.get("/api/recordings/alice").json["recordings"]} == {recording, made["id"]}


def test_a_clip_survives_the_loss_of_the_database(app, recording, alice):
    made = keep(alice, recording, end=1).json["recording"]
    with app.app_context():
        db.session.query(Recording).delete()
        db.session.commit()
        assert recording_ingest.rebuild().problems == []
        assert db.session.get(Recording, made["id"]).clip_of == recording


def test_a_clip_is_for_those_who_may_hear_the_whole_until_its_owner_says_otherwise(recording, alice, bob):
    alice.put(f"/api/recordings/{recording}/audience", {"audience": "nobody"})
    made = keep(alice, recording, end=1).json["recording"]
    assert made["audience"] == "nobody"
    assert bob.get(made["audio_url"]).status_code == 404
    alice.put(f"/api/recordings/{made['id']}/audience", {"audience": "friends"})
    assert (bob.get(made["audio_url"]).status_code, bob.get(f"/recordings/{recording}/audio").status_code) == (200, 404)


def test_clips_go_and_come_back_with_the_whole(app, recording, alice, bob, folder):
    kept, gone = (keep(alice, recording, end=1).json["recording"]["id"] for _ in range(2))
    alice.delete(f"/api/recordings/{gone}")
    with app.app_context():
        db.session.get(Recording, gone).deleted_at -= recording_queries.UNDO / 2
        db.session.commit()
    alice.delete(f"/api/recordings/{recording}")
    assert bob.get("/api/recordings/alice").json["recordings"] == []
    assert "Deleted: Morning talk" in alice.get("/recordings/").text
    alice.post(f"/api/recordings/{recording}/restore")
    assert {found["id"] for found in bob.get("/api/recordings/alice").json["recordings"]} == {recording, kept}
    alice.delete(f"/api/recordings/{recording}")
    with app.app_context():
        for row in db.session.query(Recording):
            row.deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        assert retention.purge() == 3
    assert list(folder.iterdir()) == []


def test_a_clip_of_a_clip_belongs_to_the_whole(recording, alice, folder):
    first = keep(alice, recording, start=1, end=2).json["recording"]
    second = keep(alice, first["id"], start=0.5).json["recording"]
    whole, clip = (samples(folder / f"{each}.flac") for each in (recording, second["id"]))
    np.testing.assert_array_equal(clip, whole[round(1.5 * RATE) : 2 * RATE])
    assert (second["clip_of"], second["started_at"]) == (recording, "2026-01-02T03:04:06.500Z")


def test_a_clip_that_cannot_be_written_leaves_nothing(app, recording, alice, folder, monkeypatch):
    before = sorted(folder.iterdir())

    def refuse(self, recording_id, ending, content):
        if ending == "json":
            raise OSError(28, "No space left on device")
        self._path(recording_id, ending).write_bytes(content if isinstance(content, bytes) else content.read())

    monkeypatch.setattr(type(app.extensions["recordings"]), "_replace", refuse)
    response = keep(alice, recording, end=1)
    assert response.status_code == 409
    assert "The clip could not be saved; the recording is safe." in response.json["error"]["message"]
    assert sorted(folder.iterdir()) == before


def test_a_clip_of_what_is_deleted_meanwhile_is_deleted_too(app, recording, alice, monkeypatch):
    add = RecordingFiles.add

    def delete_and_add(self, *parts):
        editing.delete(accounts.find("alice"), recording)
        add(self, *parts)

    monkeypatch.setattr(RecordingFiles, "add", delete_and_add)
    assert keep(alice, recording, end=1).status_code == 404
    assert alice.get("/api/recordings/alice").json["recordings"] == []


def test_a_clip_needs_room(make_app, visit_app, recording, alice, folder):
    before = sorted(folder.iterdir())
    short = {"Your space for recordings is used up.": {"quota_gb": 1e-6}, "could not be saved": {"low_water_mb": 10**9}}
    for words, settings in short.items():
        person = visit_app(make_app(**settings), "alice").log_in()
        response = keep(person, recording, end=1)
        assert response.status_code == 409
        assert words in response.json["error"]["message"]
        assert sorted(folder.iterdir()) == before
        assert person.get(f"/recordings/{recording}/clip.flac?end=1").status_code == 200


@pytest.mark.parametrize("body", [{"start": "x"}, {"end": 0}, {"start": 5}, {"title": ""}, {"title": "x" * 121}, {"end": True}])
def test_a_wrong_clip_is_not_kept(recording, alice, body):
    assert keep(alice, recording, **body).status_code == 422
    assert len(alice.get("/api/recordings/alice").json["recordings"]) == 1


# By form


def send(person, recording: str, **fields):
    data = {"csrf_token": person.csrf_token, "start": "0:01", "end": "0:02", "act": "keep", "title": "The best part", **fields}
    return person.client.post(f"/recordings/{recording}/clip", data=data, follow_redirects=True)


def test_by_form_alone(recording, alice, bob):
    assert 'value="Clip of Morning talk"' in alice.get(f"/recordings/{recording}/clip").text
    assert "Saved “The best part”. One friend can hear “The best part”." in send(alice, recording).text
    assert 'name="title"' not in bob.get(f"/recordings/{recording}/clip").text
    assert len(samples(send(bob, recording, act="download").data)) == RATE
    assert send(bob, recording).status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"start": "soon"}, "Enter a time like 4:11."),
        ({"end": ""}, "Enter a time like 4:11."),
        ({"start": "9:00"}, "The recording is only 3.0 s long."),
        ({"end": "0:00", "act": "download"}, "This must be later than"),
        ({"title": " "}, "This may not be empty."),
    ],
)
def test_a_form_that_is_wrong_says_so_beside_the_field(recording, alice, fields, words):
    answer = send(alice, recording, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "-error" in answer.text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:04:11", 3851),
        ("4:11", 251),
        ("251", 251),
        (" 12.5 ", 12.5),
        ("0:00.25", 0.25),
        ("", None),
        ("x", None),
        ("1:2:3:4", None),
        ("-1", None),
        ("1:", None),
        ("1e5", None),
        ("nan", None),
        ("9999999", None),
    ],
)
def test_times_as_people_write_them(text, value):
    assert parse_clock(text) == value


# Turns


def test_clips_are_cut_one_at_a_time_for_a_person(app, recording, alice, bob):
    with app.app_context():
        give_back = turns.take("clip", accounts.find("alice").id)
    refused = alice.get(f"/recordings/{recording}/clip.flac?end=1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert keep(alice, recording, end=1).status_code == 429
    assert bob.get(f"/recordings/{recording}/clip.flac?end=1").status_code == 200
    give_back()
    assert keep(alice, recording, end=1).status_code == 201
