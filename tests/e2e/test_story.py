"""The story of two friends, as they live it: register, become friends, go on air, listen, play the recording, part."""

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e import sounds
from tests.e2e.people import PASSWORD


def test_two_people_register_become_friends_and_one_is_heard_without_the_noise(arrive, source):
    alice, bob = (arrive(name).register_by_hand() for name in ("alice", "bob"))
    become_friends_by_hand(alice, bob)

    alice.page.get_by_role("link", name="Start Streaming").click()
    alice.page.get_by_label("Title").fill("Kitchen radio")
    alice.page.get_by_role("button", name="Start Streaming").click()
    alice.expect_state("Live - noise removed")
    live_since = time.monotonic()

    listen = bob.page.get_by_role("main").get_by_role("link", name=f"Listen to {alice.username}")
    expect(listen).to_be_visible(timeout=2000)
    listen.click()
    bob.hears_speech(within_s=10)
    expect(bob.page.get_by_text("Noise removed", exact=True)).to_be_visible()
    assert_clean(bob.hear(12), source)
    expect(alice.page.get_by_role("heading", name="1 listening")).to_be_visible()
    expect(alice.page.get_by_role("listitem").filter(has_text=bob.username)).not_to_have_count(0)

    alice.stop()
    lasted = time.monotonic() - live_since
    expect(bob.page.get_by_role("heading", name=f"{alice.username}'s stream has ended.")).to_be_visible(timeout=2000)
    plays_recording(bob, lasted)


def become_friends_by_hand(alice, bob) -> None:
    alice.page.get_by_label("Search users").fill(bob.username)
    alice.page.get_by_label("Search users").press("Enter")
    alice.page.get_by_role("button", name=f"Friend request to {bob.username}").click()
    expect(alice.page.get_by_text(f"Friend request sent to {bob.username}.")).to_be_visible()
    bob.page.get_by_role("navigation", name="Friends").get_by_role("button", name=f"Accept {alice.username}").click(timeout=2000)
    expect(bob.page.get_by_text(f"You and {alice.username} are friends now.")).to_be_visible()
    expect(alice.in_sidebar(bob)).to_be_visible(timeout=2000)


def assert_clean(heard: np.ndarray, source: np.ndarray) -> None:
    assert sounds.pause_db(source) - sounds.pause_db(heard) >= 15
    assert abs(sounds.speech_db(heard) - sounds.speech_db(source)) < 6


def plays_recording(person, lasted_s: float) -> None:
    player = person.page.get_by_role("region", name="Player")
    person.page.get_by_role("button", name="Play the recording").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    seek = player.get_by_role("slider", name="Seek")
    expect(seek).not_to_have_value("0")
    assert abs(int(seek.get_attribute("max")) - lasted_s) <= 3
    expect(seek).to_have_attribute("aria-valuetext", re.compile(r"^\d+ seconds? of [\w ]*\d+ seconds?$"))
    player.get_by_role("button", name="Back 15 seconds").click()
    person.page.get_by_role("link", name="Stillair").click()
    expect(person.page.get_by_role("heading", name="Recent recordings")).to_be_visible()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    player.get_by_role("button", name="Forward 30 seconds").click()
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=lasted_s * 1000)  # it is over


def test_the_sound_goes_on_while_both_look_at_other_pages(friends):
    alice, bob = friends
    alice.go_live("Kitchen radio")
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    for person in friends:
        person.page.evaluate("window.sameDocument = true")

    alice.page.get_by_role("link", name="Stillair").click()
    expect(alice.page.get_by_role("link", name="Live 0 min back to your stream")).to_be_visible()
    bob.page.get_by_role("link", name="Stillair").click()
    expect(bob.page.get_by_role("region", name="Listening").get_by_text("Kitchen radio")).to_be_visible()
    heard = bob.hear(10)
    assert max(sounds.silences(heard), default=0) < 3, "the source pauses for two seconds"
    assert sounds.speech_db(heard) > -30

    alice.page.get_by_role("link", name="back to your stream").click()
    alice.expect_state("Live - noise removed")
    bob.page.get_by_role("link", name="back to the stream").click()
    expect(bob.page.get_by_role("button", name="Pause")).to_be_visible()
    assert all(person.page.evaluate("window.sameDocument") for person in friends)


def test_who_comes_back_to_a_stream_that_has_ended_meanwhile_finds_its_recording(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.page.get_by_role("link", name="Stillair").click()
    bar = bob.page.get_by_role("region", name="Listening")
    expect(bar).to_be_visible()
    alice.stop()
    expect(bar).to_be_hidden()
    bob.in_sidebar(alice).click()
    expect(bob.page.get_by_role("heading", name=f"{alice.username}'s stream has ended.")).to_be_visible()
    expect(bob.page.get_by_role("button", name="Play the recording")).to_be_visible()


def test_a_waiting_page_starts_to_play_by_itself(friends):
    alice, bob = friends
    bob.open(f"/listen/{alice.username}")
    expect(bob.page.get_by_role("heading", name=f"{alice.username} is not live.")).to_be_visible()
    alice.go_live()
    bob.hears_speech(within_s=10)


def test_a_listener_hears_the_stream_from_the_start_and_comes_back_to_its_present(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    expect(alice.page.get_by_text(re.compile(r"Recording 00:(0[4-9]|[1-5]\d)"))).to_be_visible()
    main, player = bob.page.get_by_role("main"), bob.page.get_by_role("region", name="Player")
    live = main.get_by_role("button", name="Jump to live")
    expect(live).to_be_hidden()

    main.get_by_role("button", name="From the start").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    bob.hears_speech(within_s=10)
    live.click()
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(live).to_be_hidden()

    player.get_by_label("Speed").select_option("2")
    main.get_by_role("button", name="Back 30 s").click()
    expect(live).to_be_visible()
    expect(live).to_be_hidden(timeout=45_000)  # it caught up, and the live sound goes on by itself
    bob.hears_speech(within_s=10)

    with bob.page.expect_download() as clip:
        main.get_by_role("button", name="Clip the last 30 s").click()
    assert clip.value.path().read_bytes()[:4] == b"fLaC"

    recording = alice.call("GET", f"/api/recordings/{alice.username}")["recordings"][0]["id"]
    page = alice.context.request.get(f"{alice.url}/recordings/{recording}/heard").text()
    heard = " ".join(page.split())
    assert bob.username in heard
    assert "Once, to 00:" in heard
    alice.call("PUT", f"/api/recordings/{recording}/audience", {"audience": "nobody"})
    main.get_by_role("button", name="Back 30 s").click()
    expect(bob.notice("This stream cannot be heard again.")).to_be_visible()
    bob.hears_speech(within_s=10)


@pytest.mark.alone
def test_somebody_who_is_no_friend_any_more_is_off_within_three_seconds(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)

    alice.in_sidebar(bob).click()
    alice.page.get_by_text("More").click()
    alice.page.get_by_role("button", name="Remove from friends").click()
    assert bob.hears_nothing(within_s=5) < 3
    expect(bob.page.get_by_role("heading", name="You can't listen to this stream.")).to_be_visible()
    alice.page.get_by_role("link", name="back to your stream").click()
    alice.expect_state("Live - noise removed")


def test_friends_who_stay_hear_on_when_another_is_shut_out(friends, join):
    alice, bob = friends
    charlie = join("charlie")
    alice.befriend(charlie)
    alice.go_live()
    for listener in (bob, charlie):
        listener.listen_to(alice)
        listener.hears_speech(within_s=10)
    expect(alice.page.get_by_role("heading", name="2 listening")).to_be_visible()

    alice.call("DELETE", f"/api/friends/{charlie.username}")
    charlie.hears_nothing(within_s=5)
    bob.hears_speech(within_s=5)
    expect(alice.page.get_by_role("heading", name="1 listening")).to_be_visible()


def test_a_new_password_ends_neither_the_stream_nor_the_listening_of_this_browser(friends):
    """All its tickets are void with it, so the studio and the stage move, and the pages ask for new ones."""
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    bob.send("/settings/password", old_password=PASSWORD, password="a wholly new password")
    bob.hears_speech(within_s=10)
    with bob.page.expect_response(lambda answer: answer.url.endswith(f"/api/stream/listen/{alice.username}") and answer.ok):
        alice.send("/settings/password", old_password=PASSWORD, password="a wholly new password")
    bob.hears_speech(within_s=10)
    expect(bob.page.get_by_role("button", name="Pause")).to_be_visible()
    alice.expect_state("Live - noise removed")


def test_one_press_on_listen_where_the_browser_blocks_sound(friends, chromium, arrive):
    alice, _ = friends
    alice.go_live()
    with chromium.launch() as strict:
        guest = arrive("guest", browser=strict).register()
        alice.befriend(guest)
        guest.open(f"/listen/{alice.username}")
        wait_until_blocked(guest)
        expect(alice.page.get_by_role("heading", name="0 listening")).to_be_visible()  # nobody who hears nothing is counted
        guest.page.get_by_role("main").get_by_role("button", name="Listen").click()
        expect(guest.page.get_by_role("button", name="Pause")).to_be_visible()
        guest.hears_speech(within_s=10)


def wait_until_blocked(person) -> None:
    """Asks through the DevTools protocol, because the page takes whatever Playwright itself asks for a press."""
    devtools = person.context.new_cdp_session(person.page)
    state = "document.querySelector('[data-view=listen]').dataset.state"
    deadline = time.monotonic() + 15
    while (answer := devtools.send("Runtime.evaluate", {"expression": state})["result"]["value"]) != "blocked":
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
