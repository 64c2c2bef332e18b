"""Deleting an account: what goes, who is told, and who may not go yet. No audio server runs here; with one it is tested in
tests/integration/streams."""

from __future__ import annotations

import errno
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from tests.webapp.support.chats import end, say
from tests.webapp.support.pictures import picture_file
from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.auth import invites
from webapp.chat import archive
from webapp.core.database import db
from webapp.core.errors import Conflict
from webapp.events import outbox
from webapp.models import DiscardedRecording, FormerName, Recording, Stream, now
from webapp.presence import presence
from webapp.privacy import account_deletion
from webapp.profiles import avatars
from webapp.recordings import ingest as recording_ingest
from webapp.recordings import retention
from webapp.recordings.files import RecordingFiles


def leave(person, **fields):
    form = {"csrf_token": person.csrf_token, **fields}
    return person.client.post("/settings/delete-account", data=form, follow_redirects=True)


def tend(app) -> None:
    """What the reconciler does every second."""
    with app.app_context():
        retention.maintain()


def test_everything_of_somebody_goes(app, config, alice, bob, charlie, folder, ingest):
    """Bob has some of everything; afterwards no row refers to him, and no file is left of him."""
    hers, his = record(folder, "alice"), record(folder, "bob")
    bob.get("/")
    ingest()
    charlie.ask(bob)
    bob.post(f"/api/recordings/{hers}/heard", {"position": 1})
    bob.post("/settings/blocked", data={"username": "charlie"})
    alice.put(f"/api/recordings/{hers}/audience", {"audience": "chosen", "usernames": ["bob"]})
    with app.app_context():
        user, user_id = accounts.find("bob"), accounts.find("bob").id
        avatars.change(user, picture_file())
        invites.make(user)
        outbox.publish([user_id], "test", {})
        presence.connect(user_id, "a" * 32, watching=True)
        db.session.add(Stream(owner=user, title="Once", state="ended", ended_at=now() - timedelta(days=1)))
        db.session.commit()

    answer = leave(bob)
    assert answer.request.path == "/login"
    assert "Your account is deleted. Goodbye." in answer.text
    with app.app_context():
        for table in inspect(db.engine).get_table_names():
            for key in inspect(db.engine).get_foreign_keys(table):
                if key["referred_table"] == "user":
                    column = key["constrained_columns"][0]
                    assert db.session.scalar(text(f'SELECT count(*) FROM "{table}" WHERE {column} = {user_id}')) == 0, table
    assert list((config.data / "avatars").iterdir()) == []
    tend(app)
    assert [path.name for path in folder.iterdir() if path.name.startswith(his)] == []
    assert [recording["id"] for recording in alice.get("/api/recordings/alice").json["recordings"]] == [hers]


@pytest.fixture
def kept_chat(app, folder, stream, alice, bob) -> Path:
    """Of Alice's stream, in which Bob has written, too."""
    say(bob, stream, "I was here")
    say(alice, stream, "So was I")
    record(folder, "alice", stream_id=stream)
    end(app, stream)
    tend(app)
    with app.app_context():
        archive.maintain()
    return folder / f"{stream}.chat.json"


def test_what_somebody_wrote_goes_from_the_chats_of_others(alice, bob, kept_chat):
    leave(bob)
    assert "I was here" not in kept_chat.read_text()
    [left] = alice.get(f"/api/recordings/{kept_chat.name[:32]}/chat").json["messages"]
    assert left["text"] == "So was I"


def test_an_account_whose_words_cannot_be_deleted_stays(app, bob, kept_chat, monkeypatch):
    monkeypatch.setattr(RecordingFiles, "write_chat", full_disk)
    answer = leave(bob)
    assert answer.status_code == 409
    assert "Your messages could not be deleted, so your account was not." in answer.text
    assert bob.get("/api/friends").status_code == 200


def full_disk(*_arguments) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_no_browser_of_it_is_logged_in_any_more(visit, alice, bob):
    elsewhere = visit("bob").log_in()
    leave(bob)
    for browser in (bob, elsewhere):
        assert browser.get("/api/friends").status_code == 401
    assert visit("bob").enter("/api/login").status_code == 401


def test_friends_and_those_who_asked_are_told(alice, bob, charlie):
    request_id = charlie.ask(bob)
    with alice.events() as hers, charlie.events() as his:
        leave(bob)
        assert hers.next() == ("friend.removed", {"username": "bob"})
        assert his.next() == ("friend_request.closed", {"id": request_id})
    assert alice.get("/api/friends").json == {"friends": []}


def test_the_page_says_what_goes(alice, bob, app, folder, ingest):
    record(folder, "bob")
    ingest()
    page = bob.get("/settings/delete-account").text
    for words in ("This cannot be undone.", "your account bob", "all your recordings and clips", "Download my data"):
        assert words in page
    assert "next admin" not in page


# --- Files that come late


def test_what_the_noise_remover_still_writes_is_found_by_nobody(app, alice, bob, folder, ingest):
    with app.app_context():
        stream = Stream(owner=accounts.find("bob"), title="x", state="ended", ended_at=now() - timedelta(hours=1))
        db.session.add(stream)
        db.session.commit()
        stream_id = stream.id
    leave(bob)
    tend(app)
    record(folder, "bob", stream_id=stream_id)
    tend(app)
    with app.app_context():
        (discarded,) = db.session.scalars(select(DiscardedRecording))
        discarded.at -= retention.DISCARDED_AGAIN  # five minutes later
        discarded.due_at -= retention.DISCARDED_AGAIN
        db.session.commit()
    tend(app)
    assert list(folder.glob(f"{stream_id}.*")) == []
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(DiscardedRecording)) == 0
        assert recording_ingest.rebuild().taken == set()
        assert db.session.scalar(select(func.count()).select_from(Recording)) == 0


def test_while_a_stream_cannot_be_ended_for_sure_nothing_is_deleted(app, alice, bob):
    with app.app_context():
        db.session.add(Stream(owner=accounts.find("bob"), title="Live", state="live", live_at=now()))
        db.session.commit()
    for _ in range(2):  # nor when it has ended a moment ago
        answer = leave(bob)
        assert answer.status_code == 409
        assert "the audio server does not answer. Nothing was deleted." in answer.text
    assert [friend["username"] for friend in alice.get("/api/friends").json["friends"]] == ["bob"]
    assert bob.get("/api/stream/status/bob").json["live"] is False


# --- The last admin


def test_the_only_admin_names_the_next_one(app, alice, bob):
    assert "User name of the next admin" in alice.get("/settings/delete-account").text
    for successor in ("", "nobody-here", "alice", "ALICE"):
        answer = leave(alice, successor=successor)
        assert answer.status_code == 422
        assert "There is no other user with this name. Nothing was deleted." in answer.text
    assert leave(alice, successor="BOB").request.path == "/login"
    assert bob.get("/admin/registration").status_code == 200


def test_an_admin_beside_others_just_goes(app, alice, bob):
    with app.app_context():
        accounts.find("bob").is_admin = True
        db.session.commit()
    assert "next admin" not in alice.get("/settings/delete-account").text
    assert leave(alice).request.path == "/login"


def test_the_name_is_never_given_again(app, visit, alice, bob):
    leave(bob)
    for name in ("bob", "BOB"):
        answer = visit(name).enter("/api/register")
        assert (answer.status_code, answer.json) == (409, visit("Alice").enter("/api/register").json)
    with app.app_context():
        [kept] = db.session.scalars(select(FormerName.name_hash))
        assert kept != hashlib.sha256(b"bob").hexdigest()
    assert visit("bobby").enter("/api/register").status_code == 201


def test_who_may_hear_recordings_of_others_is_not_written_anywhere(app, alice, bob, folder, ingest):
    recording = record(folder, "alice")
    ingest()
    alice.put(f"/api/recordings/{recording}/audience", {"audience": "chosen", "usernames": ["bob"]})
    note = folder / f"{recording}.audience.json"
    with app.app_context():
        file_id = accounts.find("bob").file_id
    assert "bob" in note.read_text()
    leave(bob)
    assert not [path for path in folder.iterdir() if b"bob" in path.read_bytes() or file_id.encode() in path.read_bytes()]


def test_whoever_is_alone_goes_and_the_next_is_the_admin(visit, alice):
    assert "the next person to register becomes the admin" in alice.get("/settings/delete-account").text
    assert leave(alice).request.path == "/register"
    newcomer = visit("newcomer").register()
    assert newcomer.get("/admin/registration").status_code == 200


def test_of_two_admins_who_go_at_the_same_moment_one_stays(app, alice, bob, charlie):
    """Both were asked before the other had gone."""
    with app.app_context():
        accounts.find("bob").is_admin = True
        db.session.commit()
        account_deletion.delete(accounts.find("alice"))
        with pytest.raises(Conflict, match="Nothing was deleted"):
            account_deletion.delete(accounts.find("bob"))
    assert bob.get("/admin/registration").status_code == 200
