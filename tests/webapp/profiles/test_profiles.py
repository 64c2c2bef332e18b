from __future__ import annotations

import pytest

from webapp.accounts import accounts
from webapp.core.errors import Invalid
from webapp.profiles import profiles


@pytest.mark.parametrize(("name", "stored"), [("  Ana\tMaría ", "Ana María"), ("a\u202eb", "ab"), ("🎙", "🎙"), ("x" * 64,) * 2])
def test_a_display_name_is_cleaned(context, name, stored):
    user = accounts.register("alice", "correct horse battery")
    profiles.change(user, display_name=name, about="")
    assert user.display_name == stored


@pytest.mark.parametrize("name", ["", "   ", "\u200d", "\x00", "x" * 65])
def test_a_display_name_that_nobody_could_read_is_refused(context, name):
    user = accounts.register("alice", "correct horse battery")
    with pytest.raises(Invalid):
        profiles.change(user, display_name=name, about="")
    assert user.display_name == "alice"


def test_friends_and_open_requests_are_told_of_a_new_name_and_strangers_are_not(alice, bob, charlie, visit):
    dora = visit("dora").register()
    charlie.ask(alice)
    with charlie.events() as asking, dora.events() as hers, bob.events() as his:
        answer = alice.client.post("/settings/", data={"csrf_token": alice.csrf_token, "display_name": "Alice Ødegård"})
        assert answer.status_code == 303
        assert (
            his.next()
            == asking.next()
            == (
                "friend.renamed",
                {"username": "alice", "display_name": "Alice Ødegård", "avatar": None},
            )
        )
        alice.ask(dora)
        assert hers.next()[0] == "friend_request.received"


@pytest.mark.parametrize(
    ("about", "stored"),
    [
        ("", ""),
        ("  Radio from\nthe kitchen ", "Radio from the kitchen"),
        ("a\u202eb\x00\u200b", "ab"),
        ("\u200d\u0301", ""),
        ("\u3164\u2800", ""),
        ("x" * 160,) * 2,
    ],
)
def test_a_line_about_oneself_is_cleaned(context, about, stored):
    user = accounts.register("alice", "correct horse battery")
    profiles.change(user, display_name="Alice", about=about)
    assert user.about == stored


@pytest.mark.parametrize("about", ["x" * 161, "x" * 10_000, "\u202ex" * 10_000])
def test_a_long_story_about_oneself_is_refused(context, about):
    user = accounts.register("alice", "correct horse battery")
    with pytest.raises(Invalid, match="160"):
        profiles.change(user, display_name="Another", about=about)
    assert (user.display_name, user.about) == ("alice", "")


def test_a_friend_reads_it_on_the_page_and_nobody_else(app, alice, bob, charlie):
    form = {"csrf_token": alice.csrf_token, "display_name": "Alice", "about": "Radio <b>from</b> the kitchen"}
    alice.client.post("/settings/", data=form)
    page = bob.get("/listen/alice").text
    assert "Radio &lt;b&gt;from&lt;/b&gt; the kitchen" in page
    assert "Friends since today" in page
    assert charlie.get("/listen/alice").status_code == 404
    assert "kitchen" not in charlie.get("/search?q=alice").text


def search(person, words: str) -> list[str]:
    return [user["username"] for user in person.get(f"/api/search?q={words}").json["users"]]


def test_who_wants_to_be_found_by_the_exact_name_only_is(alice, bob, charlie):
    charlie.client.post("/settings/", data={"csrf_token": charlie.csrf_token, "display_name": "Charles Tea", "about": ""})
    assert search(alice, "char") == search(alice, "tea") == ["charlie"]
    charlie.client.post("/settings/privacy", data={"csrf_token": charlie.csrf_token, "exact_name_only": "on"})
    for part in ("char", "harlie", "tea", "charles tea", "charlie2"):
        assert search(alice, part) == []
    assert search(alice, "CHARLIE") == ["charlie"]
    assert search(charlie, "char") == ["charlie"]
    charlie.ask(alice)
    assert search(alice, "char") == ["charlie"], "who has asked does not hide from the one who was asked"
    assert search(bob, "char") == []
    charlie.client.post("/settings/privacy", data={"csrf_token": charlie.csrf_token})
    assert search(bob, "char") == ["charlie"]
