"""Download my data: everything, streamed, and nobody else's."""

from __future__ import annotations

import io
import json
import os
import zipfile

import av
import pytest
from sqlalchemy import select

from tests.webapp.support.chats import end, say
from tests.webapp.support.pictures import picture_file
from tests.webapp.support.push_service import Browser
from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.chat import archive as chat_archive
from webapp.core.database import Base, db
from webapp.models import Stream, now
from webapp.privacy import data_export, personal_data
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
    others = {"friends.json", "recordings.json", "chat-messages-in-recordings.json", "avatar.webp"}
    assert set(archive.namelist()) == {f"{name}.json" for name in personal_data.PARTS} | others
    assert read(archive, "account.json")[0]["username"] == "alice"
    assert [friend["username"] for friend in read(archive, "friends.json")] == ["bob"]
    requests = {(each["sender"], each["receiver"], each["status"]) for each in read(archive, "friend-requests.json")}
    assert requests == {("bob", "alice", "accepted"), ("charlie", "alice", "cancelled")}
    assert [each["blocked"] for each in read(archive, "blocked.json")] == ["charlie"]
    assert [stream["title"] for stream in read(archive, "streams.json")] == ["Morning show"]
    assert [recording["title"] for recording in read(archive, "recordings.json")] == ["Späte <Stunde>"] * 2
    assert [each["browser"] for each in read(archive, "log-ins.json")] == [""]
    assert [each["subject"] for each in read(archive, "counted-acts.json")] == ["picture:1"]
    assert archive.read("avatar.webp")[8:12] == b"WEBP"


def test_every_table_and_every_column_is_shown_or_left_out_for_a_reason():
    """A new table, and a new column of one that is shown, fails here until somebody has decided."""
    tables = {mapper.class_ for mapper in Base.registry.mappers}
    shown = {part.model for part in personal_data.PARTS.values()}
    assert shown | personal_data.LEFT_OUT.keys() == tables
    assert not shown & personal_data.LEFT_OUT.keys()
    for part in personal_data.PARTS.values():
        assert {*part.shown.split(), *part.hidden.split()} == set(part.model.__table__.columns.keys()), part.model


def test_what_somebody_does_is_in_their_data_and_not_in_that_of_others(app, alice, bob, folder, ingest, stream):
    """Bob does a bit of everything, in words that nobody else uses."""
    recording = record(folder, "alice")
    ingest()
    alice.put(f"/api/recordings/{recording}/audience", {"audience": "chosen", "usernames": ["bob"]})
    bob.post(f"/api/recordings/{recording}/heard", {"position": 1})
    say(bob, stream, "canary")
    bob.post("/api/stream/listen/alice")
    bob.put("/api/push/subscription", Browser().subscription("https://8.8.8.8/x"))
    forms = {
        "/settings/": {"display_name": "canary", "about": "canary"},
        "/settings/tokens": {"name": "canary", "scopes": "read", "days": ""},
        "/settings/notifications": {"shown": "alice"},
        "/invites": {},
    }
    for path, fields in forms.items():
        assert bob.client.post(path, data={"csrf_token": bob.csrf_token, **fields}).status_code < 400, path
    alice.put(f"/api/stream/chat/{stream}/muted/bob")
    with app.app_context():
        his, hers = (personal_data.documents(accounts.find(name)) for name in ("bob", "alice"))
    filled = {"account", "friend-requests", "invites", "listening", "chat-messages", "chats-that-muted-you", "plays", "log-ins"}
    filled |= {"shared-with-you", "known-browsers", "access-tokens", "push-subscriptions", "muted-friends", "audit-log"}
    assert {name for name, rows in his.items() if rows} >= filled | {"counted-acts"}
    assert "canary" in str(his)
    assert "canary" not in str(hers)
    assert his["friend-requests"] == hers["friend-requests"]
    assert his["muted-friends"] == [{"friend": "alice"}]


def test_what_somebody_wrote_in_chats_that_are_kept_is_in_it(app, alice, bob, folder, ingest, stream):
    say(bob, stream, "Good morning")
    say(alice, stream, "Not his")
    record(folder, "alice", stream_id=stream)
    assert [each["text"] for each in read(download(bob), "chat-messages.json")] == ["Good morning"]
    end(app, stream)
    ingest()
    with app.app_context():
        chat_archive.maintain()
    assert [each["text"] for each in read(download(bob), "chat-messages-in-recordings.json")] == ["Good morning"]


def test_it_holds_no_secret(app, full):
    """No hash of a token or password, no key of a room, and no address of a push service."""
    full.post("/settings/tokens", data={"csrf_token": full.csrf_token, "name": "Script", "scopes": "read", "days": ""})
    archive = download(full)
    text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".json")).decode()
    with app.app_context():
        secrets = [
            str(value)
            for part in personal_data.PARTS.values()
            for column in part.hidden.split()
            if column in ("password_hash", "token_hash", "nonce_hash", "room_key", "secret", "endpoint", "auth")
            for value in db.session.scalars(select(part.model.__table__.columns[column]))
        ]
    assert len(secrets) > 4
    assert [secret for secret in secrets if secret in text] == []


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


@pytest.mark.parametrize(("modified", "shown"), [(0, 1980), (4_500_000_000, 2107)], ids=["1970", "2112"])
def test_a_file_with_a_date_that_zip_does_not_know_comes_along(full, folder, modified, shown):
    for file in folder.glob("*.flac"):
        os.utime(file, (modified, modified))
    archive = download(full, "?recordings=1")
    dates = {each.date_time[0] for each in archive.infolist() if each.filename.endswith(".flac")}
    assert (archive.testzip(), dates) == (None, {shown})


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
