"""Rows from sidecars, and what becomes of them: renamed, deleted, brought back, made again."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from agent.recording.files import RecordingFolder
from contract.recording import RecordingManifest, Span
from tests.webapp.support.recordings_on_disk import record, record_more, sound_bytes
from webapp.core.database import db
from webapp.models import Event, Recording, Stream, User, now
from webapp.recordings import ingest, listing, retention


@pytest.fixture
def folder(config) -> Path:
    return config.recordings


@pytest.fixture
def alices(folder, alice) -> str:
    """Id of a finished recording on the disk."""
    return record(folder, "alice")


@pytest.fixture
def look(app):
    """What the reconciler does every second; returns the problems."""

    def look() -> list[str]:
        with app.app_context():
            done = ingest.ingest()
            retention.purge()
            return done.problems

    return look


def rows(app) -> list[Recording]:
    with app.app_context():
        return list(db.session.scalars(select(Recording)))


def events_of(app, username: str, kind: str) -> list[dict]:
    with app.app_context():
        query = select(Event).join(User, User.id == Event.user_id).where(User.username == username, Event.kind == kind)
        return [event.data for event in db.session.scalars(query.order_by(Event.id))]


def add_stream(app, stream_id: str, *, state: str) -> None:
    with app.app_context():
        owner = db.session.scalar(select(User).where(User.username == "alice"))
        db.session.add(Stream(id=stream_id, owner=owner, title="Morning talk", state=state, agent_due_at=now()))
        db.session.commit()


def move_stream(app, stream_id: str, state: str) -> None:
    with app.app_context():
        db.session.execute(update(Stream).where(Stream.id == stream_id).values(state=state))
        db.session.commit()


def deleted_ago(app, recording_id: str, seconds: float) -> None:
    with app.app_context():
        moment = now() - timedelta(seconds=seconds)
        db.session.execute(update(Recording).where(Recording.id == recording_id).values(deleted_at=moment))
        db.session.commit()


def put(path: Path, content: str) -> None:
    """A file in the place of another, as a writer leaves it that was cut off."""
    path.unlink(missing_ok=True)
    path.write_text(content)


def sidecar(folder: Path, recording_id: str) -> RecordingManifest:
    return RecordingManifest.from_json((folder / f"{recording_id}.json").read_text())


# Files to rows


def test_a_sidecar_becomes_a_row(app, folder, alices, look):
    assert look() == []
    (row,) = rows(app)
    assert (row.id, row.title, row.state, row.duration) == (alices, "Morning talk", "closed", 0.5)
    assert row.size == len(sound_bytes(folder, alices))
    assert row.started_at.isoformat() == "2026-01-02T03:04:05+00:00"


def test_looking_twice_changes_nothing_and_tells_nobody_twice(app, alices, look, bob):
    look()
    look()
    ingest.init_app(app, app.config["STILLAIR"])  # as another process would
    look()
    assert len(rows(app)) == 1
    for person in ("alice", "bob"):
        assert events_of(app, person, "recording.ready") == [
            {"id": alices, "username": "alice", "title": "Morning talk", "duration": 0.5},
        ]


def test_strangers_are_not_told(app, alices, look, charlie):
    look()
    assert events_of(app, "charlie", "recording.ready") == []


def test_a_running_recording_is_live_and_nobody_is_told_yet(app, folder, alice, look):
    recording = record(folder, "alice", seconds=0.48, finished=False)  # five whole blocks
    add_stream(app, recording, state="live")
    look()
    assert [row.state for row in rows(app)] == ["live"]
    assert events_of(app, "alice", "recording.ready") == []
    with app.app_context():
        owner = db.session.scalar(select(User))
        record_more(folder, recording, 1.92)
        (found,) = listing.of_person(owner, owner).recordings
        assert (found.duration, found.size) == (2.4, len(sound_bytes(folder, recording)))
        assert not db.session.dirty  # a GET writes nothing


def test_gaps_and_pauses_are_taken_over(app, folder, alices, look):
    gap, pause = Span(0.1, 0.2, "connection"), Span(0.3, 0.1, "overload")
    RecordingFolder(folder).write_manifest(sidecar(folder, alices).with_(gaps=(gap,), paused=(pause,)))
    look()
    (row,) = rows(app)
    assert row.gaps == [{"start": 0.1, "length": 0.2, "cause": "connection"}]
    assert row.paused == [{"start": 0.3, "length": 0.1, "cause": "overload"}]


def test_a_folder_that_is_at_rest_is_not_read_again(app, folder, alices, look):
    old = now().timestamp() - 60
    os.utime(folder, (old, old))
    look()
    (folder / f"{alices}.json").write_text("{")  # in place, so that the folder does not show it
    assert look() == []
    RecordingFolder(folder).write_manifest(RecordingManifest(alices, "alice", "New", "2026-01-02T03:04:05Z", "closed", 24_000))
    look()
    assert [row.title for row in rows(app)] == ["New"]


def test_a_sidecar_that_changes_is_taken_over_again(app, folder, alices, look):
    look()
    RecordingFolder(folder).write_manifest(sidecar(folder, alices).with_(title="Evening talk"))
    look()
    assert [row.title for row in rows(app)] == ["Evening talk"]


def test_a_repaired_recording_waits_for_the_stream_to_end(app, folder, alice, look):
    """While the stream runs, another noise remover will go on with it."""
    recording = record(folder, "alice", finished=False)
    add_stream(app, recording, state="interrupted")
    RecordingFolder(folder).write_manifest(sidecar(folder, recording).with_(state="recovered"))
    look()
    assert [row.state for row in rows(app)] == ["live"]
    move_stream(app, recording, "ended")
    look()
    assert [row.state for row in rows(app)] == ["recovered"]
    assert len(events_of(app, "alice", "recording.ready")) == 1


def test_a_recording_whose_writer_died_for_good_is_ready_a_minute_after_the_stream(app, folder, alice, look):
    recording = record(folder, "alice", finished=False)
    add_stream(app, recording, state="ended")
    look()
    assert [row.state for row in rows(app)] == ["live"]
    old = now().timestamp() - ingest.ABANDONED_S - 1
    os.utime(folder / f"{recording}.flac", (old, old))
    look()
    assert [row.state for row in rows(app)] == ["recovered"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "cannot be read"),
        ('{"stream_id": "5f', "cannot be read"),
        ("[]", "cannot be read"),
        ("\0\0\0", "cannot be read"),
        ('{"stream_id": 5}', "cannot be read"),
    ],
)
def test_half_a_sidecar_is_reported_and_left_out(app, folder, alices, look, content, problem, caplog):
    whole = (folder / f"{alices}.json").read_text()
    put(folder / f"{alices}.json", content)
    (found,) = look()
    assert problem in found
    assert f"{alices}.json" in found
    assert "a sidecar was not taken over" in caplog.text
    assert rows(app) == []
    assert look() == []  # said once
    put(folder / f"{alices}.json", whole)
    assert look() == []
    assert len(rows(app)) == 1


def test_every_cut_of_a_sidecar_is_refused(app, folder, alices, look):
    path = folder / f"{alices}.json"
    whole = path.read_text()
    for cut in range(0, len(whole) - 1, 7):
        put(path, whole[:cut])
        assert len(look()) == 1, cut
    assert rows(app) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"owner": "nobody"}, "No account here has its owner's name"),
        ({"stream_id": "f" * 32}, "belongs to another recording"),
        ({"started_at": "yesterday"}, "does not say when"),
        ({"started_at": "0001-01-01T00:00:00+23:59"}, "does not say when"),
        ({"state": "lost"}, "cannot be read"),
    ],
)
def test_a_sidecar_that_makes_no_sense_is_reported_and_left_out(app, folder, alices, look, changes, problem):
    path = folder / f"{alices}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    (found,) = look()
    assert problem in found
    assert rows(app) == []


def test_a_bad_sidecar_does_not_keep_the_others_out(app, folder, alices, look):
    record(folder, "alice", stream_id="0" * 32)
    (folder / f"{'0' * 32}.json").write_text("{")
    assert len(look()) == 1
    assert [row.id for row in rows(app)] == [alices]


def test_a_sidecar_without_sound_is_reported(app, folder, alices, look):
    (folder / f"{alices}.flac").unlink()
    (problem,) = look()
    assert "no sound file" in problem
    assert rows(app) == []


def test_symbolic_links_and_other_names_are_not_looked_at(app, folder, alices, look, tmp_path):
    (folder / f"{'a' * 32}.json").symlink_to(folder / f"{alices}.json")
    (folder / "notes.json").write_text("{}")
    (folder / f"{'b' * 32}.json").mkdir()
    assert look() == []
    assert [row.id for row in rows(app)] == [alices]


def test_control_characters_in_a_title_do_not_reach_pages(app, folder, alices, look):
    RecordingFolder(folder).write_manifest(sidecar(folder, alices).with_(title="a\u202e\x07b" + "x" * 500))
    look()
    (row,) = rows(app)
    assert (row.title[:3], len(row.title)) == ("abx", 120)


# Rebuild


def test_all_rows_come_back_from_the_files(app, folder, alice, look):
    ids = {record(folder, "alice", seconds=0.1) for _ in range(5)}
    look()
    with app.app_context():
        db.session.execute(delete(Recording))
        db.session.commit()
        done = ingest.rebuild()
    assert (done.taken, done.problems) == (ids, [])
    assert {row.id for row in rows(app)} == ids


def test_rebuild_reports_halves_and_deletes_nothing(app, folder, alices):
    lonely = record(folder, "alice")
    (folder / f"{lonely}.json").unlink()
    silent = record(folder, "alice")
    (folder / f"{silent}.flac").unlink()
    before = sorted(folder.iterdir())
    result = app.test_cli_runner().invoke(args=["recordings", "rebuild"])
    assert result.exit_code == 1
    assert f"{lonely}.flac: It has no sidecar" in result.output
    assert f"{silent}.json: There is no sound file" in result.output
    assert "1 recording in the list" in result.output
    assert sorted(folder.iterdir()) == before
    assert [row.id for row in rows(app)] == [alices]


def test_rebuild_of_a_good_folder_says_so(app, alices):
    result = app.test_cli_runner().invoke(args=["recordings", "rebuild"])
    assert (result.exit_code, result.output) == (0, "1 recording in the list.\n")


# Rename


def test_a_new_title_is_in_the_sidecar_and_survives_a_rebuild(app, folder, alices, alice, look):
    look()
    assert alice.patch(f"/api/recordings/{alices}", {"title": "  Späte  Stunde "}).json["recording"]["title"] == "Späte Stunde"
    assert sidecar(folder, alices).title == "Späte Stunde"
    with app.app_context():
        db.session.execute(delete(Recording))
        db.session.commit()
        ingest.rebuild()
    assert [row.title for row in rows(app)] == ["Späte Stunde"]


def test_a_title_that_cannot_be_written_down_is_not_changed(app, folder, alices, alice, look):
    look()
    (folder / f"{alices}.json").write_text("{")
    response = alice.patch(f"/api/recordings/{alices}", {"title": "Evening talk"})
    assert (response.status_code, response.json["error"]["code"]) == (409, "conflict")
    assert [row.title for row in rows(app)] == ["Morning talk"]


# Deletion


def test_a_deleted_recording_comes_back_within_ten_seconds(app, folder, alices, alice, look):
    look()
    assert alice.delete(f"/api/recordings/{alices}").status_code == 204
    look()
    assert alice.get("/api/recordings/alice").json["recordings"] == []
    assert (folder / f"{alices}.flac").exists()
    deleted_ago(app, alices, 9)
    assert alice.post(f"/api/recordings/{alices}/restore").json["recording"]["id"] == alices
    look()
    assert [found["id"] for found in alice.get("/api/recordings/alice").json["recordings"]] == [alices]
    assert alice.get(f"/recordings/{alices}/audio").status_code == 200


def test_after_ten_seconds_nothing_of_it_is_left(app, folder, alices, alice, look):
    look()
    other = record(folder, "alice")
    look()
    alice.delete(f"/api/recordings/{alices}")
    deleted_ago(app, alices, 20)
    assert alice.post(f"/api/recordings/{alices}/restore").status_code == 404
    look()
    assert [row.id for row in rows(app)] == [other]
    assert sorted(path.name for path in folder.iterdir()) == [f"{other}.flac", f"{other}.json", f"{other}.peaks"]
    ingest.init_app(app, app.config["STILLAIR"])
    look()
    assert [row.id for row in rows(app)] == [other]


def test_a_purge_that_was_interrupted_is_finished_later(app, folder, alices, alice, look):
    look()
    alice.delete(f"/api/recordings/{alices}")
    deleted_ago(app, alices, 20)
    (folder / f"{alices}.flac").unlink()
    look()
    assert rows(app) == []
    assert list(folder.iterdir()) == []


def test_a_recording_in_the_undo_time_is_not_made_again_by_its_sidecar(app, folder, alices, alice, look):
    look()
    alice.delete(f"/api/recordings/{alices}")
    put(folder / f"{alices}.json", sidecar(folder, alices).to_json())
    look()
    assert alice.get("/api/recordings/alice").json["recordings"] == []


def test_the_running_recording_cannot_be_deleted(app, folder, alice, look):
    recording = record(folder, "alice", finished=False)
    add_stream(app, recording, state="live")
    look()
    response = alice.delete(f"/api/recordings/{recording}")
    assert response.status_code == 409
    assert "Stop Streaming first" in response.json["error"]["message"]


def test_friends_are_told_of_a_removal(app, alices, alice, bob, look):
    look()
    alice.delete(f"/api/recordings/{alices}")
    assert events_of(app, "bob", "recording.removed") == [{"id": alices}]


@pytest.mark.parametrize(("keep_days", "kept"), [(0, ["fresh", "old"]), (30, ["fresh"])])
def test_old_recordings_go_when_the_admin_wants_so(make_app, folder, alice, bob, keep_days, kept):
    app = make_app(keep_days=keep_days)
    for title, days in (("fresh", 29), ("old", 31)):
        record(folder, "alice", title=title, started_at=(now() - timedelta(days=days)).isoformat())
    with app.app_context():
        retention.maintain()
        retention.expire()
    assert sorted(row.title for row in rows(app)) == kept
    assert len(list(folder.iterdir())) == 3 * len(kept)
    assert len(events_of(app, "bob", "recording.removed")) == 2 - len(kept)


def test_a_recording_that_runs_for_days_is_not_deleted(make_app, folder, alice):
    app = make_app(keep_days=1)
    recording = record(folder, "alice", started_at=(now() - timedelta(days=3)).isoformat(), finished=False)
    add_stream(app, recording, state="live")
    with app.app_context():
        retention.maintain()
        retention.expire()
    assert [row.state for row in rows(app)] == ["live"]
    assert (folder / f"{recording}.flac").exists()
