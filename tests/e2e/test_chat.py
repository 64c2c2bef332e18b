"""Two people write to each other while one of them is on air, and the recording shows it in time."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import look, problems_of

PROMPT_MS = 2000
"""How soon every open page shows a message."""
LONG = "Someone write down the lentil recipe please, properly this time, with amounts. " + "Donaudampfschifffahrt" * 8


@pytest.fixture
def friends(join):
    alice, bob = (join(name, viewport={"width": 1280, "height": 900}) for name in ("alice", "bob"))
    alice.befriend(bob)
    return alice, bob


def log(person):
    return person.page.get_by_role("log", name="Chat")


def line(person, text):
    return log(person).locator(".line").filter(has_text=text)


def write(person, text):
    person.page.get_by_label("Message", exact=True).fill(text)
    person.page.get_by_label("Message", exact=True).press("Enter")
    expect(person.page.get_by_label("Message", exact=True)).to_have_value("")


def test_a_chat_from_the_first_word_to_the_recording(friends):
    alice, bob = friends
    problems = []
    bob.open(f"/listen/{alice.username}")
    expect(bob.page.get_by_label("Message", exact=True)).to_have_count(0)
    alice.go_live()
    bob.hears_speech(within_s=20)

    write(bob, "Can you hear me?")
    expect(line(alice, "Can you hear me?")).to_be_visible(timeout=PROMPT_MS)
    write(alice, "I can\u202e")
    expect(line(bob, "I can")).to_be_visible(timeout=PROMPT_MS)
    bob.page.get_by_role("button", name="Heart").click()
    expect(alice.page.get_by_role("button", name="Heart 1")).to_be_visible(timeout=PROMPT_MS)
    write(bob, "x")
    bob.page.get_by_label("Message", exact=True).fill("y" * 501)
    bob.page.get_by_role("button", name="Send message").click()
    expect(bob.page.get_by_role("alert").get_by_text("At most 500 characters; this has 501.")).to_be_visible()
    write(bob, LONG)
    problems += look(bob.page, "chat-listen")

    line(alice, "x").first.locator("summary").click()
    line(alice, "x").first.get_by_role("button", name="Delete").click()
    expect(log(bob).get_by_text("x", exact=True)).to_have_count(0)
    line(alice, LONG[:20]).locator("summary").click()
    line(alice, LONG[:20]).get_by_role("button", name="Mute bob").click()
    told = f"{alice.username} has muted you in this chat. You can still listen and read."
    expect(bob.page.get_by_role("status")).to_have_text(told)
    expect(bob.page.get_by_label("Message", exact=True)).to_be_hidden()
    bob.page.reload()
    expect(bob.page.get_by_role("region", name="Chat").get_by_text(told)).to_be_visible()
    expect(line(bob, "Can you hear me?")).to_be_visible()
    line(alice, "Can you hear me?").locator("summary").click()
    problems += problems_of(alice.page, 1280)
    alice.page.get_by_role("button", name="Unmute").click()
    expect(bob.page.get_by_label("Message", exact=True)).to_be_visible()
    alice.page.locator("summary").filter(has_text="More for the chat").click()
    alice.page.get_by_role("button", name="Switch reactions off for all").click()
    expect(bob.page.get_by_role("button", name="Heart")).to_be_hidden()
    write(bob, "Good night")
    expect(line(alice, "Good night")).to_be_visible()

    alice.stop()
    bob.page.get_by_role("link", name="The chat is kept with the recording").click()
    expect(line(bob, "Good night")).to_be_visible()
    expect(bob.page.locator("html")).not_to_have_attribute("aria-busy", "true")  # Turbo is done
    problems += problems_of(bob.page, 1280)
    bob.page.get_by_role("button", name="Play").first.click()
    expect(line(bob, "Good night")).to_be_hidden()
    expect(line(bob, "Can you hear me?")).to_be_visible(timeout=15_000)
    bob.page.get_by_label("While the recording plays").uncheck()
    line(bob, "Good night").get_by_role("link", name="Play from").click()
    bob.page.get_by_label("While the recording plays").check()
    expect(line(bob, "Good night")).to_be_visible()

    (recording,) = alice.call("GET", f"/api/recordings/{alice.username}")["recordings"]
    alice.open(f"/recordings/{recording['id']}/heard")
    attended = re.compile(r"^\s*One friend listened at a time, .*\s+On average, [0-9]+ dB of noise was removed\.\s*$")
    expect(alice.page.get_by_text(attended)).to_be_visible()
    problems += problems_of(alice.page, 1280)
    assert not problems, "\n".join(problems)
