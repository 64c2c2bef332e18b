"""Download my data: everything, streamed, and nobody else's."""

from __future__ import annotations

import io
import json
import zipfile

import av
import pytest

from tests.webapp.support.pictures import picture_file
from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Stream, now
from webapp.privacy import data_export
from webapp.profiles import avatars


def download(person, query: str = "") -> zipfile.ZipFile:
    answer = person.get(f"/settings/data.zip{query}")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith(f"attachment; filename=stillair-{person.username}-")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return archive


def read(archive: zipfile.ZipFile, name: str):
    return json.loads(archive.read(name))


@pytest.fixture
def full(app, alice, bob, charlie, folder, ingest):
    """Alice has some of everything."""
    charlie.ask(alice)
    alice.post("/settings/blocked", data={"username": "charlie"})
    for _ in range(2):
        record(folder, "alice", title="Späte <Stunde>", started_at="2026-01-02T03:04:05Z")
    record(folder, "bob", title="Not hers")
    ingest()
    with app.app_context():
        user = accounts.find("alice")
        avatars.change(user, picture_file())
        db.session.add(Stream(owner=user, title="Morning show", state="ended", live_at=now(), ended_at=now()))
        db.session.commit()
    return alice


def test_everything_that_is_known_of_somebody_is_in_it(full):
    archive = download(full)
    assert set(archive.namelist()) == {
        "account.json",
        "friends.json",
        "friend-requests.json",
        "blocked.json",
        "streams.json",
        "recordings.json",
        "avatar.webp",
    }
    assert read(archive, "account.json")["username"] == "alice"
    assert [friend["username"] for friend in read(archive, "friends.json")] == ["bob"]
    requests = {(each["from"], each["to"], each["status"]) for each in read(archive, "friend-requests.json")}
    assert requests == {("bob", "alice", "accepted"), ("charlie", "alice", "cancelled")}
    assert [each["username"] for each in read(archive, "blocked.json")] == ["charlie"]
    assert [stream["title"] for stream in read(archive, "streams.json")] == ["Morning show"]
    assert [recording["title"] for recording in read(archive, "recordings.json")] == ["Späte <Stunde>"] * 2
    assert archive.read("avatar.webp")[8:12] == b"WEBP"


def test_it_holds_no_secret(full):
    archive = download(full, "?recordings=1")
    text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".json"))
    for secret in (b"argon2", b"password", b"token", b"csrf"):
        assert secret not in text


def test_the_sound_of_all_recordings_comes_along_when_it_is_asked_for(full):
    archive = download(full, "?recordings=1")
    files = [recording["file"] for recording in read(archive, "recordings.json")]
    assert len(set(files)) == 2
    for name in files:
        with av.open(io.BytesIO(archive.read(name))) as sound:
            assert sound.metadata["TITLE"] == "Späte <Stunde>"
            assert sum(frame.samples for frame in sound.decode(audio=0)) == 24_000


def test_a_recording_whose_file_is_gone_does_not_spoil_the_rest(full, folder):
    next(folder.glob("*.flac")).unlink()
    assert sum(name.endswith(".flac") for name in download(full, "?recordings=1").namelist()) in (1, 2)


def test_it_is_sent_in_small_pieces(app, alice, folder, ingest):
    record(folder, "alice", seconds=30)
    ingest()
    with app.test_request_context():
        pieces = list(data_export.archive(accounts.find("alice"), with_sound=True))
    assert max(map(len, pieces)) <= data_export.CHUNK_BYTES + 2000
    assert len(pieces) > 4


def test_one_is_sent_to_a_person_at_a_time_and_the_turn_comes_back(full, bob):
    open_one = full.get("/settings/data.zip", buffered=False)
    refused = full.get("/settings/data.zip")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "120")
    download(bob)
    open_one.close()
    download(full)
