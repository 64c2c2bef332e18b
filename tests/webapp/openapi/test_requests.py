"""Bad bodies, sent to real routes: each gets its answer, and none is a failure of ours."""

from __future__ import annotations

import pytest

UNREADABLE = [
    b"{",
    b"null,",
    b"\xff\xfe",
    b"\x00",
    b"{'username': 'ana'}",
    b'{"username": "ana"',
    b"username=ana",
    b"[" * 50_000,
    b"1" * 5_000,  # more than Python's parser and int() take
]
NO_OBJECT = [b"[]", b'"text"', b"null", b"1", b"true", b"NaN"]
WRONG_TYPE = [None, 1, 1.5, True, [], {}, ["alice"], {"a": 1}, 10**30]


def send(person, body: bytes, path: str = "/api/friend-request/send"):
    return person.post(path, data=body, content_type="application/json")


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_body_that_cannot_be_read_is_400(alice, body):
    response = send(alice, body)
    assert response.status_code == 400
    assert response.json["error"]["code"] == "bad_request"


@pytest.mark.parametrize("body", NO_OBJECT)
def test_a_body_that_is_no_object_is_422(alice, body):
    assert send(alice, body).status_code == 422


@pytest.mark.parametrize("value", WRONG_TYPE, ids=repr)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/friend-request/send", "username"),
        ("/api/login", "username"),
        ("/api/login", "password"),
        ("/api/register", "password"),
    ],
)
def test_a_field_of_a_wrong_type_is_422_and_named(alice, visit, path, field, value):
    person = alice if path.startswith("/api/friend") else visit("somebody")
    body = {"username": "somebody", "password": "correct horse"} | {field: value}
    response = person.post(path, body)
    assert response.status_code == 422
    assert response.json["error"]["fields"].keys() == {field}


@pytest.mark.parametrize("value", [*WRONG_TYPE, "", "Accept", "accept ", "delete"], ids=repr)
def test_an_action_is_accept_or_reject(alice, charlie, value):
    request_id = charlie.ask(alice)
    response = alice.post(f"/api/friend-request/{request_id}/respond", {"action": value})
    assert response.status_code == 422
    assert response.json["error"]["fields"].keys() == {"action"}


def test_a_missing_body_misses_its_fields(alice):
    assert alice.post("/api/friend-request/send").status_code == 422


def test_half_a_surrogate_in_a_password_is_422(anonymous):
    body = b'{"username": "ana", "password": "\\ud83c12345678"}'
    assert send(anonymous, body, "/api/register").status_code == 422


def test_half_a_surrogate_in_a_name_is_nobody(alice):
    assert send(alice, b'{"username": "bo\\ud83cb"}').status_code == 404


def test_a_body_that_is_too_large_is_413(alice):
    response = send(alice, b'{"username": "' + b"a" * 70_000 + b'"}')
    assert response.status_code == 413
    assert response.json["error"]["code"] == "too_large"


def test_json_is_read_whatever_it_says_it_is(alice, bob):
    response = alice.post("/api/friend-request/send", data=b'{"username": "bob"}', content_type="text/plain")
    assert response.status_code == 409


def test_further_fields_are_ignored(alice, charlie):
    body = {"username": "charlie", "status": "accepted", "sender_id": 3, "id": "0" * 32}
    response = alice.post("/api/friend-request/send", body)
    assert response.json["status"] == "pending"
    assert response.json["id"] != "0" * 32


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/api/friend-request/send", {}, "This must be text and may not be missing."),
        ("/api/friend-request/send", {"username": None}, "This must be text and may not be missing."),
        ("/api/friend-request/send", {"username": ["alice"]}, "This must be text and may not be missing."),
        ("/api/friend-request/send", {"username": ""}, "This may not be empty."),
        ("/api/friend-request/send", {"username": " \0\u202e"}, "This may not be empty."),
        ("/api/friend-request/send", {"username": "a" * 129}, "At most 128 characters."),
        ("/api/friend-request/send", {"username": " " * 129}, "At most 128 characters."),
        ("/api/login", {"username": "alice", "password": ""}, "This may not be empty."),
        ("/api/login", {"username": "alice", "password": "\ud83c"}, "This contains invalid characters."),
        ("/api/stream/start", {"title": "a" * 121}, "At most 120 characters."),
        ("/api/stream/start", {"strength_db": 101}, "This must be a number from 0 to 100."),
        ("/api/stream/start", {"strength_db": True}, "This must be a number from 0 to 100."),
        ("/api/stream/start", {"strength_db": float("nan")}, "This must be a number from 0 to 100."),
        ("/api/stream/start", {"strength_db": 10**400}, "This must be a number from 0 to 100."),
        ("/api/stream/start", {"sound_check": 1}, "This must be true or false."),
        ("/api/stream/start", {"quality": "loud"}, "This must be voice or standard or music."),
    ],
)
def test_what_is_wrong_is_said_in_words_for_people(alice, path, body, message):
    error = alice.post(path, body).json["error"]
    assert (error["message"], list(error["fields"].values())) == (message, [message])


def test_what_is_wrong_is_said_in_the_language_of_the_request(alice):
    answer = alice.post("/api/stream/start", {"sound_check": "yes"}, headers={"Accept-Language": "de"})
    assert answer.json["error"]["fields"] == {"sound_check": "Hier muss true oder false stehen."}


def test_only_the_first_wrong_field_is_named(alice):
    answer = alice.post("/api/stream/start", {"sound_check": 1, "strength_db": -1})
    assert answer.json["error"]["fields"].keys() == {"strength_db"}


def test_null_says_no_more_than_a_missing_field(alice, stream):
    reactions = f"/api/stream/chat/{stream}/reactions"
    assert alice.put(reactions, {"on": False}).status_code == 204
    assert alice.get(f"/api/stream/chat/{stream}").json["reactions"]["on"] is False
    assert alice.put(reactions, {"on": None}).status_code == 204
    assert alice.get(f"/api/stream/chat/{stream}").json["reactions"]["on"] is True
