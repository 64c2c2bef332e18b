"""Recordings in another place than a folder: the pages and the library work with anything that has these methods."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, BinaryIO

import av
import pytest
import soundfile

from contract.recording import RecordingManifest
from contract.recording_files import RECORDING_ID
from tests.webapp.support.recordings_on_disk import RATE, record
from webapp.recordings import editing, retention
from webapp.recordings.files import RecordingFiles, Sidecar
from webapp.recordings.sound import Sound


class Draft(io.BytesIO):
    def __init__(self, shelf: Shelf, recording_id: str) -> None:
        super().__init__()
        self._shelf, self._id = shelf, recording_id

    def keep(self) -> None:
        self._shelf.put(self._id, "opus", self.getvalue())


class Shelf:
    """A `RecordingFiles` without a folder, as an object store would be: names and bytes."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self._changes = 1

    def put(self, recording_id: str, ending: str, content: bytes) -> None:
        self.objects[recording_id, ending] = content
        self._changes += 1

    def _ids(self, ending: str) -> list[str]:
        return [recording_id for recording_id, its in self.objects if its == ending]

    def _get(self, recording_id: str, ending: str) -> bytes | None:
        assert RECORDING_ID.fullmatch(recording_id)
        return self.objects.get((recording_id, ending))

    def _text(self, recording_id: str, ending: str) -> str | None:
        found = self._get(recording_id, ending)
        return None if found is None else found.decode()

    def changed_at(self) -> int:
        return self._changes

    def sidecars(self) -> Iterator[Sidecar]:
        return (Sidecar(recording_id, (hash(self._get(recording_id, "json")), 0, 0)) for recording_id in self._ids("json"))

    def sounds(self) -> Iterator[str]:
        return iter(self._ids("flac"))

    def manifest(self, recording_id: str) -> RecordingManifest:
        text = self._text(recording_id, "json")
        if text is None:
            raise FileNotFoundError
        return RecordingManifest.from_json(text)

    def write_manifest(self, manifest: RecordingManifest) -> None:
        self.put(manifest.stream_id, "json", manifest.to_json().encode())

    def scratch(self) -> IO[bytes]:
        return io.BytesIO()

    def add(self, manifest: RecordingManifest, sound: IO[bytes], peaks: bytes, audience: str) -> None:
        sound.seek(0)
        for ending, content in (("flac", sound.read()), ("peaks", peaks), ("audience", audience.encode())):
            self.put(manifest.stream_id, ending, content)
        self.write_manifest(manifest)

    def audience(self, recording_id: str) -> str | None:
        return self._text(recording_id, "audience")

    def audience_written_at(self, recording_id: str) -> datetime:
        return datetime.now(UTC)

    def audiences(self) -> list[str]:
        return self._ids("audience")

    def write_audience(self, recording_id: str, note: str) -> None:
        self.put(recording_id, "audience", note.encode())

    def chats(self) -> list[str]:
        return self._ids("chat")

    def has_chat(self, recording_id: str) -> bool:
        return self._get(recording_id, "chat") is not None

    def chat(self, recording_id: str) -> str | None:
        return self._text(recording_id, "chat")

    def write_chat(self, recording_id: str, record: str) -> None:
        self.put(recording_id, "chat", record.encode())

    def sound(self, recording_id: str) -> Sound | None:
        content = self._get(recording_id, "flac")
        if content is None:
            return None
        memory = os.memfd_create("sound")
        os.write(memory, content)
        return Sound(memory)

    def peaks(self, recording_id: str) -> bytes:
        return self._get(recording_id, "peaks") or b""

    def opus(self, recording_id: str) -> BinaryIO | None:
        content = self._get(recording_id, "opus")
        return None if content is None else io.BytesIO(content)

    def begin_opus(self, recording_id: str) -> Draft:
        return Draft(self, recording_id)

    def trim_opus(self, most: int) -> None:
        """Everything has room here."""

    def delete(self, recording_id: str) -> None:
        self.objects = {(its, ending): content for (its, ending), content in self.objects.items() if its != recording_id}


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_this_shelf_has_what_a_folder_has():
    assert public(Shelf) - {"put"} == public(RecordingFiles)


@pytest.fixture
def shelf(app, tmp_path, alice) -> Shelf:
    """With one recording of Alice's; there is no folder any more."""
    elsewhere = tmp_path / "elsewhere"
    recording_id = record(elsewhere, "alice", seconds=3)
    shelf = Shelf()
    for ending in ("flac", "json", "peaks"):
        path = elsewhere / f"{recording_id}.{ending}"
        if path.exists():
            shelf.put(recording_id, ending, path.read_bytes())
    shutil.rmtree(elsewhere)
    app.extensions["recordings"] = shelf
    return shelf


@pytest.fixture
def recording(shelf, ingest) -> str:
    ingest()
    return next(shelf.sounds())


@pytest.fixture(autouse=True)
def no_folder(folder):
    yield
    assert not folder.exists()


def test_it_is_listed_and_played_in_pieces(alice, bob, shelf, recording):
    [listed] = bob.get("/api/recordings/alice").json["recordings"]
    assert (listed["id"], listed["title"], listed["duration"]) == (recording, "Morning talk", pytest.approx(3, abs=0.1))
    whole = shelf.objects[recording, "flac"]
    answer = bob.get(listed["audio_url"], headers={"Range": f"bytes={len(whole) - 100}-"})
    assert (answer.status_code, answer.data) == (206, whole[-100:])


def test_it_is_renamed_shared_and_found_anew(alice, bob, shelf, recording, ingest):
    assert alice.patch(f"/api/recordings/{recording}", {"title": "A walk"}).status_code == 200
    assert shelf.manifest(recording).title == "A walk"
    alice.put(f"/api/recordings/{recording}/audience", {"audience": "nobody", "usernames": []})
    assert bob.get("/api/recordings/alice").json == {"recordings": []}
    ingest()
    assert [one["title"] for one in alice.get("/api/recordings/alice").json["recordings"]] == ["A walk"]


def test_a_clip_of_it_lies_beside_it(alice, shelf, recording):
    answer = alice.post(f"/api/recordings/{recording}/clips", {"start": 1, "end": 2.5, "title": "Short"})
    assert answer.status_code == 201, answer.json
    clip = answer.json["recording"]["id"]
    samples, rate = soundfile.read(io.BytesIO(shelf.objects[clip, "flac"]))
    assert (rate, len(samples)) == (RATE, 1.5 * RATE)


def test_its_opus_file_is_made_once_and_kept(alice, shelf, recording):
    made = alice.get(f"/recordings/{recording}/audio.opus")
    with av.open(io.BytesIO(made.data)) as container:
        assert container.streams.audio[0].codec_context.name in ("opus", "libopus")
    assert alice.get(f"/recordings/{recording}/audio.opus").data == shelf.objects[recording, "opus"] == made.data


def test_it_is_deleted_with_everything(app, alice, shelf, recording, monkeypatch):
    alice.delete(f"/api/recordings/{recording}")
    monkeypatch.setattr(retention, "UNDO", -editing.UNDO_SPARE * 3)  # the ten seconds are over
    with app.app_context():
        assert retention.purge() == 1
    assert shelf.objects == {}
