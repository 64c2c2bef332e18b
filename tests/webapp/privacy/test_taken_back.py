"""What somebody takes back is in no row of the database, in no file, and in nobody's events any more."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.chats import end, open_page, say
from tests.webapp.support.recordings_on_disk import record
from webapp.chat import archive
from webapp.core.database import db
from webapp.events import outbox
from webapp.models import Recording, Stream, User, now
from webapp.recordings import queries as recording_queries
from webapp.recordings import retention
from webapp.streams import state

WORDS = "canary"
NEW = "something else"


def kept_of(app, config) -> list[str]:
    """Returns where the words still are: tables and files."""
    with app.app_context():
        tables = {
            name: str(db.session.execute(text(f'SELECT * FROM "{name}"')).all()) for name in inspect(db.engine).get_table_names()
        }
    files = {path.name: path.read_bytes() for path in config.recordings.glob("*") if path.is_file()}
    found = [name for name, rows in tables.items() if WORDS in rows.lower()]
    return found + [name for name, content in files.items() if WORDS.encode() in content.lower()]


def put_on_air(app, username: str, title: str = "A stream") -> str:
    """Puts somebody on air in the usual way, with all events."""
    with app.app_context():
        owner = db.session.query(User).filter_by(username=username).one()
        db.session.add(stream := Stream(owner=owner, title=title, state="starting", broadcaster_seen_at=now()))
        db.session.commit()
        state.move(stream, "live")
        return stream.id


@pytest.fixture
def online(app, alice, bob) -> None:
    open_page(app, alice, bob)


def delete_account(person) -> None:
    form = {"csrf_token": person.csrf_token, "password": PASSWORD}
    assert person.client.post("/settings/delete-account", data=form).status_code == 303


@pytest.fixture
def message(app, online, alice, bob) -> tuple[str, str]:
    stream = put_on_air(app, "alice")
    return stream, say(bob, stream, WORDS)["id"]


def test_a_message_on_air(app, config, bob, message):
    assert kept_of(app, config) == ["chat_message", "event"]
    assert bob.delete("/api/stream/chat/{}/{}".format(*message)).status_code == 204
    assert kept_of(app, config) == []


def test_a_message_of_a_chat_that_is_kept(app, config, bob, folder, message):
    record(folder, "alice", stream_id=message[0])
    end(app, message[0])
    with app.app_context():
        retention.maintain()
        archive.maintain()
    assert kept_of(app, config) == ["event", f"{message[0]}.chat.json"]
    assert bob.delete("/api/stream/chat/{}/{}".format(*message)).status_code == 204
    assert kept_of(app, config) == []


def test_words_of_somebody_whose_account_is_deleted(app, config, alice, bob, message):
    bob.post("/settings/", data={"display_name": f"The {WORDS}", "about": WORDS})
    delete_account(bob)
    assert kept_of(app, config) == []
    with alice.events("/events?after=0") as hers:
        assert WORDS not in str(hers.next())


def test_the_title_of_a_stream_and_of_its_recording(app, config, alice, folder, online):
    stream = put_on_air(app, "alice", f"The {WORDS} show")
    assert {"event", "stream"} <= set(kept_of(app, config))
    alice.post("/api/stream/title", {"title": NEW})
    assert kept_of(app, config) == []

    alice.post("/api/stream/title", {"title": WORDS})
    record(folder, "alice", stream_id=stream, title=WORDS)
    end(app, stream)
    with app.app_context():
        retention.maintain()
    alice.patch(f"/api/recordings/{stream}", {"title": NEW})
    assert kept_of(app, config) == []


def test_a_recording_that_is_deleted(app, config, alice, folder, online):
    recording = record(folder, "alice", title=WORDS)
    with app.app_context():
        retention.maintain()
    assert {"event", "recording"} <= set(kept_of(app, config))
    alice.delete(f"/api/recordings/{recording}")
    assert "event" not in kept_of(app, config)
    with app.app_context():
        db.session.get(Recording, recording).deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        retention.purge()
    assert kept_of(app, config) == []


def test_a_display_name_in_a_chat_that_is_kept(app, config, alice, bob, folder, online):
    bob.post("/settings/", data={"display_name": f"The {WORDS}", "about": ""})
    stream = put_on_air(app, "alice")
    say(bob, stream, "Good morning")
    record(folder, "alice", stream_id=stream)
    end(app, stream)
    with app.app_context():
        retention.maintain()
        archive.maintain()
    assert kept_of(app, config) == ["event", "user"]
    bob.post("/settings/", data={"display_name": NEW, "about": ""})
    assert kept_of(app, config) == []
    assert [said["display_name"] for said in alice.get(f"/api/recordings/{stream}/chat").json["messages"]] == [NEW]


def test_a_display_name(app, config, alice, bob, online):
    bob.post("/settings/", data={"display_name": f"The {WORDS}", "about": WORDS})
    stream = put_on_air(app, "bob")
    say(bob, stream, "Good morning")
    assert {"event", "user"} <= set(kept_of(app, config))
    bob.post("/settings/", data={"display_name": NEW, "about": ""})
    assert kept_of(app, config) == []
    with app.app_context():
        data = [event.data for event in outbox.after(1, 0) if event.kind in ("stream.live", "chat.message")]
    assert [data[0]["display_name"], data[1]["message"]["display_name"]] == [NEW, NEW]
