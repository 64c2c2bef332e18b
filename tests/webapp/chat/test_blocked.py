"""Bob and Dora are Alice's friends, and one of them has blocked the other: in her company they are kept apart. She sees both."""

from __future__ import annotations

import pytest

from tests.webapp.chat.test_archive import keep, texts
from tests.webapp.support.chats import open_page, path, read, say, told


@pytest.fixture
def dora(visit, alice):
    dora = visit("dora").register()
    dora.befriend(alice)
    return dora


@pytest.fixture(params=["bob", "dora"])
def who_blocks(request):
    return request.param


@pytest.fixture
def apart(bob, dora, who_blocks) -> None:
    one, other = (bob, dora) if who_blocks == "bob" else (dora, bob)
    assert block(one, other) == 303


def block(person, other, *, lift: bool = False) -> int:
    where = f"/settings/blocked/{other.username}/remove" if lift else "/settings/blocked"
    return person.client.post(where, data={"csrf_token": person.csrf_token, "username": other.username}).status_code


def next_of_chat(events):
    return next(event for event in iter(events.next, None) if event[0].startswith("chat."))


def conversation(stream, *people) -> None:
    for person in people:
        say(person, stream, f"from {person.username}")


@pytest.mark.usefixtures("apart")
class TestApart:
    def test_neither_reads_the_other_and_all_others_read_both(self, stream, alice, bob, dora, visit):
        (erik := visit("erik").register()).befriend(alice)
        conversation(stream, bob, dora, alice)
        assert read(bob, stream) == ["from bob", "from alice"]
        assert read(dora, stream) == ["from dora", "from alice"]
        assert read(alice, stream) == read(erik, stream) == ["from bob", "from dora", "from alice"]
        assert "from dora" not in bob.get("/listen/alice").text + bob.get(f"/chat/{stream}").text
        assert "from bob" not in dora.get("/listen/alice").text + dora.get(f"/chat/{stream}").text

    def test_earlier_messages_are_counted_without_the_other(self, stream, alice, bob, dora):
        for number in range(3):
            say(dora, stream, f"from dora {number}")
            say(bob, stream, f"from bob {number}")
        answer = bob.get(path(stream)).json
        assert ([one["text"] for one in answer["messages"]], answer["more"]) == ([f"from bob {n}" for n in range(3)], False)

    def test_events_leave_out_the_other(self, stream, alice, bob, dora):
        with bob.events() as his, dora.events() as hers, alice.events() as owners:
            message = say(bob, stream, "from bob")
            assert next_of_chat(his)[0] == next_of_chat(owners)[0] == "chat.message"
            bob.delete(f"{path(stream)}/{message['id']}")
            assert next_of_chat(his)[0] == next_of_chat(owners)[0] == "chat.deleted"
            say(alice, stream, "from alice")
            assert next_of_chat(hers)[1]["message"]["text"] == "from alice"

    def test_the_chat_of_the_recording_is_kept_for_each_as_it_was_seen(self, app, folder, stream, alice, bob, dora):
        conversation(stream, bob, dora)
        keep(app, folder, stream)
        assert texts(bob, stream) == ["from bob"]
        assert texts(dora, stream) == ["from dora"]
        assert texts(alice, stream) == ["from bob", "from dora"]
        assert "from dora" not in bob.get(f"/chat/{stream}").text


def test_no_event_brings_again_what_the_other_wrote_before_the_block(app, stream, bob, dora):
    open_page(app, bob, dora)
    conversation(stream, bob, dora)
    block(bob, dora)
    assert [data["message"]["text"] for kind, data in told(app, bob) if kind == "chat.message"] == ["from bob"]
    assert [data["message"]["text"] for kind, data in told(app, dora) if kind == "chat.message"] == ["from dora"]


def test_open_pages_ask_again_when_a_block_begins_or_ends(stream, bob, dora):
    conversation(stream, bob, dora)
    with bob.events() as his, dora.events() as hers:
        block(bob, dora)
        assert his.next() == hers.next() == ("resync", {})
        assert read(dora, stream) == ["from dora"]
        block(bob, dora, lift=True)
        assert his.next() == hers.next() == ("resync", {})
        assert read(dora, stream) == ["from bob", "from dora"]
