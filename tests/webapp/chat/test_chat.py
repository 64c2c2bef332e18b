"""The chat while on air: who reads and writes, what is refused, and what the owner can do. Alice is on air, Bob is her friend."""

from __future__ import annotations

import re

import pytest

from tests.webapp.conftest import Person
from tests.webapp.support.chats import end, open_page, path, put_on_air, read, say, told
from webapp.accounts import accounts
from webapp.chat import messages
from webapp.core.database import db
from webapp.models import ChatMessage
from webapp.security import rate_limits


@pytest.fixture
def dora(visit, alice) -> Person:
    """Another friend of Alice's."""
    dora = visit("dora").register()
    dora.befriend(alice)
    return dora


# --- Reading and writing


def test_friends_and_the_owner_read_each_other(app, stream, alice, bob):
    message = say(bob, stream, "Can you hear me?")
    assert (message["username"], message["text"]) == ("bob", "Can you hear me?")
    say(alice, stream, "I can")
    for person in (alice, bob):
        assert read(person, stream) == ["Can you hear me?", "I can"]


def test_open_pages_are_told_at_once_and_nobody_else(app, stream, alice, bob, charlie, dora):
    open_page(app, alice, bob, charlie)
    message = say(bob, stream, "Hello")
    assert told(app, alice) == told(app, bob) == [("chat.message", {"stream": stream, "message": message})]
    assert told(app, charlie) == told(app, dora) == []


def test_pages_have_the_newest_messages_and_a_way_to_earlier_ones(app, stream, alice, bob):
    for person, words in ((bob, "<b>Hello</b>"), (alice, "Hi")):
        say(person, stream, words)
    for page in (alice.get("/live").text, bob.get("/listen/alice").text):
        assert "&lt;b&gt;Hello&lt;/b&gt;" in page
        assert 'role="log"' in page
        assert "Earlier messages" not in page
    with app.app_context():
        author = accounts.find("bob")
        db.session.add_all(ChatMessage(stream_id=stream, author=author, text=f"Number {n}") for n in range(60))
        db.session.commit()
    page = bob.get("/listen/alice").text
    assert "Hello" not in page
    earlier = re.search(r'href="(/chat/\w+\?before=\w+)">Earlier', page)
    assert "Hello" in bob.get(earlier.group(1)).text


def test_without_javascript_the_forms_come_back_to_the_stream(stream, alice, bob):
    for person, back in ((bob, "/listen/alice#chat"), (alice, "/live#chat")):
        answer = person.post(f"/chat/{stream}", data={"text": "Hello"})
        assert (answer.status_code, answer.location) == (303, back)
    refused = bob.post(f"/chat/{stream}", data={"text": "x" * 501})
    assert refused.status_code == 422
    assert "At most 500 characters; this has 501." in refused.text
    assert "x" * 501 in refused.text, "what was written is not lost"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "may not be empty"),
        (" \n\t ", "Write something first."),
        ("\u202e\u2066\x00", "Write something first."),
        ("x" * 501, "At most 500 characters; this has 501."),
        ("x" * 10_000, "At most 500 characters; this has 10000."),
        ("\n".join("x" * 13), "At most 12 lines."),
        ("half \ud800", "invalid characters"),
        (5, "This must be text"),
        (None, "This must be text"),
    ],
)
def test_what_cannot_be_said(stream, bob, text, problem):
    assert problem in say(bob, stream, text, 422)["message"]
    assert read(bob, stream) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\u202etxt.exe\u202c and \u2067left\u2069", "txt.exe and left"),
        ("bell\x07\x1b[31m", "bell[31m"),
        ("two\r\n\n\nlines \n", "two\nlines"),
        ("🎙 👩‍👩‍👧 می‌خواهم", "🎙 👩‍👩‍👧 می‌خواهم"),
        ("<script>alert(1)</script> https://example.org", "<script>alert(1)</script> https://example.org"),
        ("é" * 500, "é" * 500),
    ],
)
def test_what_is_kept_of_a_message(stream, bob, text, kept):
    assert say(bob, stream, text)["text"] == kept


# --- Access


def test_there_is_no_chat_during_a_sound_check(app, alice, bob):
    stream = put_on_air(app, "alice", state="checking", sound_check=True, live_at=None)
    for person in (alice, bob):
        assert person.get(path(stream)).status_code == 404
        say(person, stream, "Hello", 404)
    assert 'role="log"' not in alice.get("/live").text


def test_an_interruption_does_not_end_the_chat(app, alice, bob):
    stream = put_on_air(app, "alice", state="interrupted")
    say(bob, stream, "We lost you")


def test_nobody_writes_when_the_stream_is_over(app, stream, alice, bob):
    say(bob, stream, "Hello")
    end(app, stream)
    for person in (alice, bob):
        say(person, stream, "Too late", 404)
        assert person.get(path(stream)).status_code == 404


@pytest.mark.parametrize("stream_id", ["f" * 32, "x", "..", "%00"])
def test_a_stream_that_is_none(bob, stream_id):
    assert bob.get(path(stream_id)).status_code == 404
    assert bob.get(f"/chat/{stream_id}").status_code == 404


def test_who_is_no_friend_any_more_neither_reads_nor_writes(app, stream, alice, bob):
    open_page(app, alice, bob)
    said = say(bob, stream, "Hello")
    alice.delete("/api/friends/bob")
    before = told(app, bob)
    say(alice, stream, "He is gone")
    assert told(app, bob) == before
    assert bob.get(path(stream)).status_code == bob.get(f"/chat/{stream}").status_code == 404
    say(bob, stream, "Still here", 404)
    assert bob.delete(f"{path(stream)}/{said['id']}").status_code == 404
    assert bob.post(f"{path(stream)}/reactions", {"kind": "heart"}).status_code == 404
    assert read(alice, stream) == ["Hello", "He is gone"], "what was said stays in her record"


# --- Deleting and muting


def test_the_owner_deletes_any_message_and_an_author_his_own(app, stream, alice, bob, dora):
    open_page(app, dora)
    ids = [say(person, stream, "x")["id"] for person in (alice, bob, dora)]
    assert bob.delete(f"{path(stream)}/{ids[0]}").status_code == 404
    assert bob.delete(f"{path(stream)}/{ids[2]}").status_code == 404
    assert bob.delete(f"{path(stream)}/{ids[1]}").status_code == 204
    assert alice.delete(f"{path(stream)}/{ids[2]}").status_code == 204
    assert alice.delete(f"{path(stream)}/{ids[2]}").status_code == 404
    assert len(read(alice, stream)) == 1
    assert [data["id"] for kind, data in told(app, dora) if kind == "chat.deleted"] == [ids[1], ids[2]]


def test_a_message_is_deleted_in_its_own_chat_only(app, stream, alice, bob):
    said = say(bob, stream, "x")
    assert alice.delete(f"{path('f' * 32)}/{said['id']}").status_code == 404
    assert read(alice, stream) == ["x"]


def test_somebody_who_is_muted_is_told_and_writes_no_more_until_he_may(app, stream, alice, bob):
    assert alice.put(f"{path(stream)}/muted/bob").status_code == 204
    assert alice.put(f"{path(stream)}/muted/bob").status_code == 204
    error = say(bob, stream, "Why?", 403)
    assert (error["code"], error["message"]) == ("muted", "alice has muted you in this chat. You can still listen and read.")
    assert bob.post(f"{path(stream)}/reactions", {"kind": "heart"}).status_code == 403
    assert bob.get(path(stream)).json["muted"] is True
    assert alice.get(path(stream)).json["muted_people"] == ["bob"]
    assert 'data-state="muted"' in bob.get("/listen/alice").text
    assert alice.delete(f"{path(stream)}/muted/bob").status_code == 204
    say(bob, stream, "Thanks")
    assert [(kind, data["muted"]) for kind, data in told(app, bob) if kind == "chat.muted"] == [
        ("chat.muted", True),
        ("chat.muted", False),
    ]


def test_others_do_not_learn_who_is_muted(app, stream, alice, bob, dora):
    open_page(app, dora)
    alice.put(f"{path(stream)}/muted/bob")
    assert "muted_people" not in dora.get(path(stream)).json
    assert told(app, dora) == []


def test_a_mute_is_for_one_stream(app, stream, alice, bob):
    alice.put(f"{path(stream)}/muted/bob")
    end(app, stream)
    say(bob, put_on_air(app, "alice"), "A new day")


@pytest.mark.parametrize("username", ["alice", "charlie", "nobody-here"])
def test_only_who_could_write_can_be_muted(stream, alice, charlie, username):
    assert alice.put(f"{path(stream)}/muted/{username}").status_code == 404
    assert alice.delete(f"{path(stream)}/muted/{username}").status_code == 404


# --- Too much


def test_a_flood_is_bounded_and_said_so(app, stream, alice, bob):
    answers = [bob.post(path(stream), {"text": str(number)}) for number in range(100)]
    maximum = rate_limits.LIMITS["message"].maximum
    assert [answer.status_code for answer in answers] == [201] * maximum + [429] * (100 - maximum)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json["error"]["message"].startswith("You are sending messages too fast. Try again in ")
    page = bob.post(f"/chat/{stream}", data={"text": "by form"})
    assert page.status_code == 429
    assert "You are sending messages too fast." in page.text
    say(alice, stream, "Others write on")


def test_a_chat_has_an_end(app, stream, bob, monkeypatch):
    monkeypatch.setattr(messages, "MAX_MESSAGES", 3)
    for _ in range(3):
        say(bob, stream, "x")
    assert say(bob, stream, "x", 409)["message"] == "This chat is full: it has 3 messages. The stream goes on."
