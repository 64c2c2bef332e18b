"""The controls of a broadcaster: sound check, strength, mute, hearing oneself, title, listeners."""

import re

import pytest
from playwright.sync_api import expect

from launcher.run.processes import wait_until
from tests.e2e import sounds
from tests.e2e.people import hear_together

AS_LOUD_DB = 6
"""How far the noise of the original may be from the source's. The codec and the browser's echo canceller, which hears in this
browser what the listener's page plays, take 4 dB of it; the noise remover takes 15 and more."""


@pytest.fixture
def alice(join):
    return join("alice")


def test_a_sound_check_is_heard_by_nobody_else_until_it_goes_live(friends):
    alice, bob = friends
    alice.open("/live")
    alice.page.get_by_role("button", name="Sound check").click()
    alice.expect_state("Sound check")
    expect(alice.page.get_by_text("Only you hear this. No friend can listen yet.")).to_be_visible()
    assert bob.call("GET", f"/api/stream/status/{alice.username}")["live"] is False
    bob.call("POST", f"/api/stream/listen/{alice.username}", ok=(404,))

    alice.page.get_by_role("button", name="Hear what friends hear").click()
    alice.hears_speech(within_s=10)
    bob.open(f"/listen/{alice.username}")
    alice.page.get_by_role("button", name="Start Streaming").click()
    alice.expect_state("Live - noise removed")
    bob.hears_speech(within_s=10)

    def recordings():
        return bob.call("GET", f"/api/recordings/{alice.username}")["recordings"]

    assert wait_until(recordings, 5), "the list learns of it within a round of the reconciler"
    (recording,) = recordings()
    assert recording["duration"] < 10, "the sound check is not recorded"


def test_a_cancelled_sound_check_leaves_nothing(alice):
    alice.open("/live")
    alice.page.get_by_role("button", name="Sound check").click()
    alice.expect_state("Sound check")
    alice.page.get_by_role("button", name="Cancel").click()
    alice.expect_state("Not live")
    assert alice.call("GET", f"/api/recordings/{alice.username}")["recordings"] == []


def test_compare_plays_the_original_to_the_broadcaster_only(friends, source):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    alice.page.get_by_role("radio", name="Original", exact=True).check()
    expect(alice.page.get_by_text("You hear the original sound.")).to_be_visible()
    alice.hears_speech(within_s=10)
    alice.page.wait_for_function("() => heard.level() > -48 && heard.level() < -36", polling=20)  # the fan, in a pause
    original, clean = hear_together([alice, bob], 9)
    assert abs(sounds.pause_db(original) - sounds.pause_db(source)) < AS_LOUD_DB
    assert sounds.pause_db(clean) < sounds.pause_db(source) - 15

    alice.page.get_by_role("radio", name="Clean", exact=True).check()
    alice.page.wait_for_function("() => heard.level() < -60", polling=20)
    assert sounds.pause_db(alice.hear(9)) < sounds.pause_db(source) - 15


def test_strength_is_heard_at_once_and_shown(friends, source):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    alice.page.get_by_role("radio", name="Original sound").check()
    alice.expect_state("Live - original sound")
    bob.page.wait_for_function("() => heard.level() > -48 && heard.level() < -36", polling=20)
    assert abs(sounds.pause_db(bob.hear(9)) - sounds.pause_db(source)) < AS_LOUD_DB
    alice.page.get_by_role("radio", name="Gentle").check()
    alice.expect_state("Live - noise removed")
    meter = alice.page.get_by_role("meter", name="Noise removed")
    expect(meter).to_have_attribute("aria-valuetext", re.compile("^1[0-3] dB$"), timeout=10_000)
    alice.page.get_by_role("slider", name="At most").fill("20")
    expect(meter).to_have_attribute("aria-valuetext", re.compile("^(19|20|21) dB$"), timeout=10_000)


def test_mute_is_silence_for_friends_and_says_so_when_one_speaks(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    alice.page.keyboard.press("m")
    expect(alice.page.get_by_role("button", name="Mute", exact=True)).to_have_attribute("aria-pressed", "true")
    bob.hears_nothing(within_s=5)
    expect(alice.notice("You are muted.")).to_be_visible(timeout=10_000)
    alice.page.get_by_role("button", name="Unmute").click()
    bob.hears_speech(within_s=10)
    expect(alice.notice("You are muted.")).to_be_hidden()


def test_a_new_title_reaches_friends_at_once(friends):
    alice, bob = friends
    alice.go_live("First title")
    bob.listen_to(alice)
    alice.page.get_by_label("Title").fill("Second title, with <b>tags</b> & \u202eturned")
    alice.page.get_by_label("Title").press("Enter")
    expect(bob.page.get_by_role("heading", level=1, name="Second title, with <b>tags</b> & turned")).to_be_visible(timeout=2000)


def test_capture_asks_the_browser_to_leave_the_sound_alone(alice):
    alice.context.add_init_script("""
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.asked = [];
        navigator.mediaDevices.getUserMedia = (constraints) => { window.asked.push(constraints.audio); return ask(constraints); };
    """)
    alice.open("/live")
    expect(alice.page.get_by_role("meter", name="Microphone level")).not_to_have_attribute("aria-valuenow", "0", timeout=10_000)
    for asked in alice.page.evaluate("window.asked"):
        assert [asked[name] for name in ("noiseSuppression", "autoGainControl", "voiceIsolation")] == [False] * 3
    expect(alice.page.get_by_text("This browser alters the sound")).to_be_hidden()


def test_another_microphone_can_be_chosen_while_live(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    alice.page.get_by_label("Microphone", exact=True).select_option(index=1)
    bob.hears_speech(within_s=10)
    alice.expect_state("Live - noise removed")
