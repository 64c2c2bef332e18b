"""Who may hear a recording: every audience, everybody who may ask, every way to it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from tests.webapp.conftest import Person
from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Event, Recording, RecordingShare, User
from webapp.recordings import ingest, retention
from webapp.recordings import queries as recording_queries


@pytest.fixture
def folder(config) -> Path:
    return config.recordings


@pytest.fixture
def recording(app, folder, alice) -> str:
    recording = record(folder, "alice")
    with app.app_context():
        ingest.ingest()
    return recording


@pytest.fixture
def dora(visit, alice) -> Person:
    """Another friend of Alice's."""
    dora = visit("dora").register()
    dora.befriend(alice)
    return dora


@pytest.fixture
def eve(visit, alice) -> Person:
    """Was a friend once, and was chosen then."""
    eve = visit("eve").register()
    eve.befriend(alice)
    return eve


def share(owner: Person, recording: str, audience: str, *friends: Person):
    names = [friend.username for friend in friends]
    return owner.put(f"/api/recordings/{recording}/audience", {"audience": audience, "usernames": names})


def rebuild(app) -> None:
    """The rows of all recordings are lost and made again."""
    with app.app_context():
        db.session.execute(delete(Recording))
        db.session.commit()
        assert ingest.rebuild().problems == []


def events_of(app, username: str, kind: str) -> list[dict]:
    with app.app_context():
        query = select(Event.data).join(User, User.id == Event.user_id).where(User.username == username, Event.kind == kind)
        return list(db.session.scalars(query.order_by(Event.id)))


def hears(person: Person, recording: str, headers: dict[str, str] | None = None) -> bool:
    return person.get(f"/recordings/{recording}/audio", headers=headers or {}).status_code in (200, 206)


WAYS: dict[str, Callable[[Person, str], bool]] = {
    "list": lambda person, id: id in person.get("/api/recordings/alice").get_data(as_text=True),
    "search": lambda person, id: id in person.get("/api/recordings/alice?q=morning&order=title").get_data(as_text=True),
    "page of friends": lambda person, id: id in person.get("/recordings/friends").text,
    "search in the page": lambda person, id: id in person.get("/recordings/friends?q=alice&order=oldest").text,
    "page of the friend": lambda person, id: id in person.get("/listen/alice").text,
    "home": lambda person, id: id in person.get("/").text,
    "file": lambda person, id: hears(person, id),
    "part of the file": lambda person, id: hears(person, id, {"Range": "bytes=0-9"}),
    "download": lambda person, id: person.get(f"/recordings/{id}/audio?download=1").status_code == 200,
}
OWN_WAYS = {"list", "search", "file", "part of the file", "download"}


@pytest.mark.parametrize(
    ("audience", "hearers"),
    [
        ("friends", {"alice", "bob", "dora"}),
        ("chosen", {"alice", "bob"}),
        ("nobody", {"alice"}),
    ],
)
@pytest.mark.parametrize("again", [False, True], ids=["as set", "after a rebuild"])
def test_everybody_by_every_way(app, recording, alice, bob, charlie, dora, eve, audience, hearers, again):
    assert share(alice, recording, audience, bob, eve).status_code == 200
    alice.delete("/api/friends/eve")
    if again:
        rebuild(app)
    for person in (alice, bob, charlie, dora, eve):
        ways = OWN_WAYS if person is alice else WAYS
        found = {way for way in ways if WAYS[way](person, recording)}
        assert found == (set(ways) if person.username in hearers else set()), person.username


def answer(person: Person, method: str, path: str, body: dict | None = None) -> tuple[int, str]:
    """Status, and headers with the text, without what is new in every answer: the time, nonces and CSRF tokens."""
    response = person.request(method, path, json=body)
    whole = (
        "\n".join(f"{name}: {value}" for name, value in response.headers if name not in ("Date", "Set-Cookie")) + response.text
    )
    for nonce in re.findall("'nonce-([^']+)'", whole):
        whole = whole.replace(nonce, "NONCE")
    return response.status_code, re.sub(r'(name="csrf-token" content|name="csrf_token" value)="[^"]+"', r"\1", whole)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/recordings/alice/{id}", None),
        ("PATCH", "/api/recordings/{id}", {"title": "Mine"}),
        ("PUT", "/api/recordings/{id}/audience", {"audience": "friends"}),
        ("DELETE", "/api/recordings/{id}", None),
        ("POST", "/api/recordings/{id}/restore", None),
        ("POST", "/api/recordings/{id}/clips", {"title": "Mine"}),
        ("POST", "/api/recordings/{id}/heard", {"position": 0.1}),
        ("GET", "/recordings/{id}/audio", None),
        ("GET", "/recordings/{id}/audio?download=1", None),
        ("GET", "/recordings/{id}/clip.flac", None),
        ("GET", "/recordings/{id}/peaks", None),
        ("GET", "/recordings/{id}/audio.opus", None),
        ("GET", "/recordings/{id}/share", None),
        ("GET", "/recordings/{id}/rename", None),
        ("GET", "/recordings/{id}/clip", None),
        ("GET", "/recordings/{id}/heard", None),
    ],
)
def test_what_is_not_shared_looks_like_what_is_not_there(recording, alice, bob, method, path, body):
    share(alice, recording, "nobody")
    hidden, missing = (answer(bob, method, path.format(id=name), body) for name in (recording, "f" * 32))
    assert hidden[0] == 404
    assert (hidden[0], hidden[1].replace(recording, "f" * 32)) == missing


def test_only_the_owner_sees_with_whom_it_is_shared(recording, alice, bob, dora):
    answer = share(alice, recording, "chosen", dora, bob, bob).json["recording"]
    assert (answer["audience"], answer["usernames"]) == ("chosen", ["bob", "dora"])
    (found,) = bob.get("/api/recordings/alice").json["recordings"]
    assert not {"audience", "usernames"} & found.keys()
    assert "dora" not in bob.get("/listen/alice").text


def test_who_gains_and_who_loses_is_told_and_nobody_else(app, recording, alice, bob, dora):
    before = {name: events_of(app, name, "recording.ready") for name in ("alice", "bob", "dora")}
    share(alice, recording, "chosen", bob)
    assert (events_of(app, "bob", "recording.removed"), events_of(app, "dora", "recording.removed")) == ([], [{"id": recording}])
    share(alice, recording, "friends")
    assert len(events_of(app, "dora", "recording.ready")) == len(before["dora"]) + 1
    for name in ("alice", "bob"):
        assert events_of(app, name, "recording.ready") == before[name]


def test_of_what_they_may_not_hear_friends_are_told_nothing(app, recording, alice, bob):
    share(alice, recording, "nobody")
    told = len(events_of(app, "bob", "recording.removed"))
    alice.delete(f"/api/recordings/{recording}")
    alice.post(f"/api/recordings/{recording}/restore")
    assert len(events_of(app, "bob", "recording.removed")) == told
    assert len(events_of(app, "alice", "recording.removed")) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "audience"),
        ({"audience": "everybody"}, "audience"),
        ({"audience": 1}, "audience"),
        ({"audience": "chosen", "usernames": ["charlie"]}, "usernames"),
        ({"audience": "chosen", "usernames": ["nobody-here"]}, "usernames"),
        ({"audience": "chosen", "usernames": ["alice"]}, "usernames"),
        ({"audience": "chosen", "usernames": "bob"}, "usernames"),
        ({"audience": "chosen", "usernames": [5]}, "usernames"),
        ({"audience": "chosen", "usernames": ["x"] * 2000}, "usernames"),
    ],
)
def test_a_wrong_audience_changes_nothing(recording, alice, bob, charlie, body, field):
    answer = alice.put(f"/api/recordings/{recording}/audience", body)
    assert answer.status_code == 422
    assert field in answer.json["error"]["fields"]
    assert bob.get(f"/recordings/{recording}/audio").status_code == 200


def test_names_of_strangers_and_of_nobody_are_refused_alike(recording, alice, charlie):
    answers = [
        alice.put(f"/api/recordings/{recording}/audience", {"audience": "chosen", "usernames": [name]})
        for name in ("charlie", "nobody-here")
    ]
    assert answers[0].json == answers[1].json


def test_a_chosen_friend_who_comes_back_hears_it_again(recording, alice, bob):
    share(alice, recording, "chosen", bob)
    alice.delete("/api/friends/bob")
    assert bob.get(f"/recordings/{recording}/audio").status_code == 404
    bob.befriend(alice)
    assert bob.get(f"/recordings/{recording}/audio").status_code == 200


def test_by_form_alone(recording, alice, bob, dora):
    page = alice.get(f"/recordings/{recording}/share").text
    assert 'value="friends" checked' in page
    assert 'name="usernames" value="dora"' in " ".join(page.split())
    fields = {"csrf_token": alice.csrf_token, "audience": "chosen", "usernames": ["dora"]}
    answer = alice.client.post(f"/recordings/{recording}/share", data=fields, follow_redirects=True)
    assert "Saved. One friend can hear “Morning talk”." in answer.text
    assert (hears(bob, recording), hears(dora, recording)) == (False, True)
    assert 'name="usernames" value="dora" checked' in " ".join(alice.get(f"/recordings/{recording}/share").text.split())
    wrong = alice.client.post(f"/recordings/{recording}/share", data={**fields, "usernames": ["charlie"]})
    assert wrong.status_code == 422
    assert "Choose only friends." in wrong.text


def test_a_note_of_an_older_version_opens_nothing_to_who_has_the_name_now(app, recording, folder, alice, bob, dora):
    """It names people by their user names. Bob registered after it was written, and Dora before."""
    note = folder / f"{recording}.audience.json"
    note.write_text('{"audience": "chosen", "with": ["bob", "dora", "nobody-here"]}')
    with app.app_context():
        accounts.find("dora").created_at -= timedelta(days=2)
        db.session.commit()
    yesterday = time.time() - 86_400
    os.utime(note, (yesterday, yesterday))
    rebuild(app)
    assert (hears(bob, recording), hears(dora, recording)) == (False, True)


def test_a_note_knows_people_by_their_ids(app, recording, folder, alice, bob, dora):
    share(alice, recording, "chosen", bob)
    note = folder / f"{recording}.audience.json"
    note.write_text(note.read_text().replace('"bob"', '"dora"'))
    rebuild(app)
    assert (hears(bob, recording), hears(dora, recording)) == (True, False)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        '{"audience": "all", "with": []}',
        '{"audience": "friends"}',
        '{"audience": "chosen", "with": [5]}',
        '{"audience": "chosen", "with": 5}',
        '{"audience": "chosen", "with": [{"name": "bob"}]}',
    ],
)
def test_a_note_that_cannot_be_read_opens_a_recording_to_nobody(app, recording, folder, alice, bob, note, caplog):
    (folder / f"{recording}.audience.json").write_text(note)
    rebuild(app)
    assert bob.get(f"/recordings/{recording}/audio").status_code == 404
    assert alice.get(f"/recordings/{recording}/audio").status_code == 200
    assert "nobody but its owner may hear a recording now" in caplog.text


def test_an_audience_that_cannot_be_written_down_is_not_changed(recording, folder, alice, bob):
    (folder / f"{recording}.audience.json").mkdir()
    answer = share(alice, recording, "nobody")
    assert answer.status_code == 409
    assert bob.get(f"/recordings/{recording}/audio").status_code == 200


def test_new_recordings_are_for_whom_their_owner_wants(app, folder, alice, bob):
    with app.app_context():
        accounts.find("alice").audience = "nobody"
        db.session.commit()
    recording = record(folder, "alice", finished=False)
    with app.app_context():
        ingest.ingest()
    assert bob.get(f"/recordings/{recording}/audio").status_code == 404
    with app.app_context():
        accounts.find("alice").audience = "friends"  # only new ones follow it
        db.session.commit()
    rebuild(app)
    assert bob.get(f"/recordings/{recording}/audio").status_code == 404


def test_nothing_of_a_choice_is_left_when_the_recording_is_gone(app, recording, folder, alice, bob):
    share(alice, recording, "chosen", bob)
    assert (folder / f"{recording}.audience.json").exists()
    alice.delete(f"/api/recordings/{recording}")
    with app.app_context():
        db.session.get(Recording, recording).deleted_at -= 2 * recording_queries.UNDO
        db.session.commit()
        assert retention.purge() == 1
        assert db.session.scalars(select(RecordingShare)).all() == []
    assert list(folder.iterdir()) == []
