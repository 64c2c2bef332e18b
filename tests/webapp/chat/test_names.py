"""Who speaks: Dora takes a name that looks like Alice's, whose stream it is, and everybody can see that she is not Alice."""

from __future__ import annotations

import re

import pytest

from tests.webapp.chat.test_archive import keep, record_of
from tests.webapp.support.chats import path, say

LINE = re.compile(
    r'<b data-name-of="(\w+)" title="@(\w+)">(.*?)</b>\s*<span class="small quiet" data-username( hidden)?>@(\w+)</span>'
)
HOST = re.compile(r'data-name-of="(\w+)"[^\n]*\n[^\n]*\n\s*<span class="badge">Host</span>')


@pytest.fixture
def dora(visit, alice):
    dora = visit("dora").register()
    dora.befriend(alice)
    return dora


def rename(person, name: str) -> None:
    assert person.client.post("/settings/", data={"csrf_token": person.csrf_token, "display_name": name}).status_code == 303


def named(page: str) -> dict[str, bool]:
    """Whose user name stands beside the display name."""
    return {username: hidden == "" for username, _, _, hidden, _ in LINE.findall(page)}


def ambiguous(person, stream: str) -> dict[str, bool]:
    return {one["username"]: one["ambiguous"] for one in person.get(path(stream)).json["messages"]}


@pytest.mark.parametrize("name", ["Аlice", "Alice\u00ad", "alice"], ids=ascii)
def test_who_has_a_name_like_the_owners_is_shown_with_the_user_name(app, folder, stream, alice, bob, dora, name):
    rename(dora, name)
    for person in (alice, dora, bob):
        say(person, stream, "Hello")
    expected = {"alice": True, "dora": True, "bob": False}
    assert ambiguous(bob, stream) == expected
    for page in (bob.get("/listen/alice").text, bob.get(f"/chat/{stream}").text):
        assert named(page) == {"alice": True, "dora": True}
        assert HOST.findall(page) == ["alice"]
    keep(app, folder, stream)
    assert {one["username"]: one["ambiguous"] for one in record_of(bob, stream)["messages"]} == expected
    page = bob.get(f"/chat/{stream}").text
    assert named(page) == {"alice": True, "dora": True}
    assert HOST.findall(page) == ["alice"]


def test_a_message_that_comes_while_the_page_is_open_says_so_too(stream, alice, bob, dora):
    assert not say(bob, stream, "Hello")["ambiguous"]
    rename(dora, "Bob")
    assert say(dora, stream, "Hello")["ambiguous"]
    assert say(bob, stream, "Hello")["ambiguous"]


def test_names_that_look_like_no_other_stand_alone(stream, alice, bob, dora):
    say(alice, stream, "Hello")
    say(dora, stream, "Hello")
    assert named(bob.get("/listen/alice").text) == {"alice": False, "dora": False}


def test_friends_of_one_name_are_told_apart_in_lists(alice, bob, dora):
    assert "@dora" not in alice.get("/friends/").text
    rename(dora, "В о b")
    page = alice.get("/").text
    assert "<p>@bob</p>" in page
    assert "<p>@dora</p>" in page
