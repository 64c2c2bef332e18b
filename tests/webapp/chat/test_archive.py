"""What becomes of a chat when the stream is over: it is kept with the recording, for whoever may hear that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from tests.webapp.support.chats import end, path, put_on_air, read, say
from tests.webapp.support.recordings_on_disk import record
from webapp.chat import archive
from webapp.core.database import db
from webapp.models import ChatMessage, ChatMute, Reaction, Recording, Stream, now, rfc3339
from webapp.recordings import ingest, retention
from webapp.recordings import queries as recording_queries


def tend(app) -> None:
    with app.app_context():
        ingest.ingest()
        archive.maintain()


def keep(app, folder, stream: str, **options) -> None:
    """The stream ends, and its recording is finished."""
    started_at = rfc3339(now() - timedelta(seconds=60))
    record(folder, "alice", stream_id=stream, seconds=0.2, started_at=started_at, **options)
    end(app, stream)
    tend(app)


def rows(app) -> int:
    with app.app_context():
        return sum(db.session.scalar(select(func.count()).select_from(table)) for table in (ChatMessage, ChatMute, Reaction))


def record_of(person, recording: str) -> dict:
    return person.get(f"/api/recordings/{recording}/chat").json


def texts(person, recording: str) -> list[str]:
    return [message["text"] for message in record_of(person, recording)["messages"]]


@pytest.fixture
def kept(app, folder, stream, alice, bob) -> str:
    """Id of a recording with "Hello" by Bob, "Hi" by Alice and a heart."""
    say(bob, stream, "Hello")
    say(alice, stream, "Hi")
    bob.post(f"{path(stream)}/reactions", {"kind": "heart"})
    keep(app, folder, stream)
    return stream


def test_it_moves_into_a_file_beside_the_recording(app, folder, kept, alice, bob):
    assert rows(app) == 0
    file = json.loads((folder / f"{kept}.chat.json").read_text())
    assert [(one["username"], one["text"]) for one in file["messages"]] == [("bob", "Hello"), ("alice", "Hi")]
    for person in (alice, bob):
        assert texts(person, kept) == ["Hello", "Hi"]


def test_messages_and_reactions_have_their_second(kept, bob):
    found = record_of(bob, kept)
    assert [message["second"] for message in found["messages"]] == pytest.approx([60, 60], abs=5)
    assert [(one["kind"], one["second"]) for one in found["reactions"]] == [("heart", pytest.approx(60, abs=5))]


def test_what_was_written_before_the_first_sound_stands_at_the_beginning(app, folder, stream, bob):
    say(bob, stream, "Waiting")
    record(folder, "alice", stream_id=stream, started_at=rfc3339(now() + timedelta(seconds=3)))
    end(app, stream)
    tend(app)
    assert [message["second"] for message in record_of(bob, stream)["messages"]] == [0]


def test_while_it_is_on_air_its_recording_has_it_too(app, folder, stream, bob):
    say(bob, stream, "Hello")
    record(folder, "alice", stream_id=stream, finished=False)
    tend(app)
    assert rows(app) == 1, "nothing moves yet"
    assert texts(bob, stream) == ["Hello"]


def test_keeping_it_twice_changes_nothing(app, folder, kept, bob):
    before = (folder / f"{kept}.chat.json").read_bytes()
    tend(app)
    assert (folder / f"{kept}.chat.json").read_bytes() == before


def test_a_crash_between_file_and_rows_doubles_nothing(app, folder, stream, alice, bob, monkeypatch):
    say(bob, stream, "Hello")
    bob.post(f"{path(stream)}/reactions", {"kind": "heart"})
    with monkeypatch.context() as crash:
        crash.setattr(archive, "_keep", crash_after_writing(archive._keep))
        keep(app, folder, stream)
    assert rows(app) == 2
    tend(app)
    assert (rows(app), texts(alice, stream), len(record_of(alice, stream)["reactions"])) == (0, ["Hello"], 1)


def crash_after_writing(keep_really):
    def keep(stream_id):
        commit = db.session.commit
        db.session.commit = db.session.rollback
        try:
            keep_really(stream_id)
        finally:
            db.session.commit = commit

    return keep


def test_a_rebuilt_database_has_it_again(app, kept, bob):
    with app.app_context():
        db.session.execute(delete(Recording))
        db.session.execute(delete(Stream))
        db.session.commit()
        ingest.rebuild()
    assert texts(bob, kept) == ["Hello", "Hi"]


def test_a_recording_that_is_not_shared_has_no_chat_for_friends(kept, alice, bob):
    alice.put(f"/api/recordings/{kept}/audience", {"audience": "nobody"})
    for address in (f"/api/recordings/{kept}/chat", f"/chat/{kept}"):
        assert bob.get(address).status_code == 404
        assert alice.get(address).status_code == 200


def test_a_friend_no_longer_reads_nothing_and_his_words_stay_with_the_owner(kept, alice, bob):
    bob.delete("/api/friends/alice")
    assert bob.get(f"/chat/{kept}").status_code == 404
    assert texts(alice, kept) == ["Hello", "Hi"]


def test_it_is_deleted_with_the_recording(app, folder, kept, alice):
    alice.delete(f"/api/recordings/{kept}")
    assert alice.get(f"/chat/{kept}").status_code == 404
    with app.app_context():
        db.session.execute(update(Recording).values(deleted_at=now() - 2 * recording_queries.UNDO))
        db.session.commit()
        retention.purge()
    assert list(folder.iterdir()) == []


def test_messages_are_deleted_from_it_by_the_owner_and_by_their_author(app, kept, alice, bob):
    hello, hi = (message["id"] for message in record_of(alice, kept)["messages"])
    assert bob.delete(f"{path(kept)}/{hi}").status_code == 404
    assert bob.delete(f"{path(kept)}/{hello}").status_code == 204
    assert bob.delete(f"{path(kept)}/{hello}").status_code == 404
    assert texts(bob, kept) == ["Hi"]
    answer = alice.post(f"/chat/{kept}/{hi}/delete")
    assert (answer.status_code, answer.location) == (303, f"/chat/{kept}")
    assert texts(bob, kept) == []


def test_a_stream_without_a_recording_leaves_nothing_after_an_hour(app, stream, bob):
    say(bob, stream, "Hello")
    end(app, stream)
    tend(app)
    assert rows(app) == 1
    with app.app_context():
        db.session.execute(update(Stream).values(ended_at=now() - timedelta(hours=2)))
        db.session.commit()
    tend(app)
    assert rows(app) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\x00",
        b'{"messages": [{}], "reactions": []}',
        b'{"messages": 5, "reactions": []}',
    ],
)
def test_a_damaged_file_shows_nothing_and_stays(app, folder, kept, alice, content):
    (folder / f"{kept}.chat.json").write_bytes(content)
    assert record_of(alice, kept) == {"messages": [], "reactions": []}
    assert alice.get(f"/chat/{kept}").status_code == 200
    assert (folder / f"{kept}.chat.json").read_bytes() == content


def test_a_link_in_its_place_is_not_followed(folder, kept, alice, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text((folder / f"{kept}.chat.json").read_text())
    (folder / f"{kept}.chat.json").unlink()
    (folder / f"{kept}.chat.json").symlink_to(secret)
    assert texts(alice, kept) == []


def test_the_page_lists_it_with_times_and_the_recordings_lead_there(kept, alice, bob):
    page = bob.get(f"/chat/{kept}").text
    assert "Hello" in page
    assert "data-second=" in page
    for person, address in ((alice, "/recordings/"), (bob, "/recordings/friends")):
        assert f'href="/chat/{kept}"' in person.get(address).text


def test_a_new_stream_begins_with_an_empty_chat(app, kept, bob):
    assert read(bob, put_on_air(app, "alice")) == []
