from __future__ import annotations

import pytest

from webapp import accounts, profiles
from webapp.errors import Invalid


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
        assert his.next() == asking.next() == (
            "friend.renamed", {"username": "alice", "display_name": "Alice Ødegård", "avatar": None},
        )
        alice.ask(dora)
        assert hers.next()[0] == "friend_request.received"
