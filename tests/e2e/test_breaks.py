"""What breaks while people are live, and that everything comes back by itself: no reload, the same recording."""

import os
import re
import signal
import time
from datetime import datetime

import pytest
from playwright.sync_api import expect


@pytest.fixture
def on_air(friends):
    """Lets Bob hear Alice, and fails if either page is loaded again."""
    alice, bob = friends
    alice.go_live("Kitchen radio")
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    for person in friends:
        person.page.evaluate("window.sameDocument = true")
    yield alice, bob
    assert all(person.page.evaluate("window.sameDocument") for person in friends)


def noise_remover_of_newest_stream(instance) -> int:
    """Returns the process id of the worker with the newest stream."""
    started = [line for line in instance.log("noise-remover").splitlines() if "The broadcast runs" in line]
    return int(re.search(r"\bpid=(\d+)", started[-1])[1])


def stop_and_look_at_the_recording(alice, bob) -> None:
    """Checks that there is one recording, as long as the whole stream."""
    stream = alice.call("GET", f"/api/stream/status/{alice.username}")["stream"]
    lasted_s = time.time() - datetime.fromisoformat(stream["started_at"]).timestamp()
    alice.stop()
    expect(bob.page.get_by_role("button", name="Play the recording")).to_be_visible(timeout=5000)
    deadline = time.monotonic() + 10
    while (recording := bob.call("GET", f"/api/recordings/{alice.username}")["recordings"][0])["state"] == "live":
        assert time.monotonic() < deadline, recording
        time.sleep(0.1)
    assert recording["id"] == stream["id"]
    assert abs(recording["duration"] - lasted_s) < 4
    assert recording["gaps"]


@pytest.mark.alone
def test_the_audio_server_is_killed_and_sound_is_back_within_15_s(instance, on_air):
    alice, bob = on_air
    alice.keep_notices()
    began = time.monotonic()
    instance.kill("audio-server")
    bob.hears_nothing(within_s=8)
    alice.was_told("Connection lost, reconnecting. Your recording is safe.")
    bob.hears_speech(within_s=15 - (time.monotonic() - began))
    alice.expect_state("Live - noise removed", timeout_s=10)
    alice.was_told(re.compile(r"^Back\. \d+ seconds? (is|are) missing\.$"))
    expect(bob.page.get_by_role("button", name="Pause")).to_be_visible()
    stop_and_look_at_the_recording(alice, bob)


@pytest.mark.alone
def test_a_worker_of_the_noise_remover_is_killed_and_another_takes_over(instance, on_air):
    alice, bob = on_air
    killed = noise_remover_of_newest_stream(instance)
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while noise_remover_of_newest_stream(instance) == killed:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    bob.hears_speech(within_s=5)
    alice.expect_state("Live - noise removed", timeout_s=10)
    expect(bob.page.get_by_text(f"{alice.username}'s sound is interrupted", exact=True)).to_be_hidden()
    stop_and_look_at_the_recording(alice, bob)


def test_the_network_of_the_broadcaster_goes_and_comes_back(on_air):
    alice, bob = on_air
    alice.context.set_offline(True)
    alice.context.set_offline(False)
    alice.expect_state("Live - noise removed")
    bob.hears_speech(within_s=10)


def test_a_reload_goes_on_with_the_stream(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    alice.page.once("dialog", lambda question: question.accept())  # leaving while live asks first
    alice.page.reload()
    alice.expect_state("Live - noise removed")
    bob.hears_speech(within_s=10)


def test_leaving_while_live_asks_first(friends):
    alice, _ = friends
    alice.go_live()
    asked = []
    alice.page.on("dialog", lambda question: (asked.append(question.type), question.dismiss()))
    alice.page.close(run_before_unload=True)
    alice.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    alice.expect_state("Live - noise removed")


def test_a_second_tab_takes_the_stream_over_on_request(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    first = alice.new_tab()
    alice.open("/live")
    alice.expect_state("Live in another tab")
    expect(alice.notice("You are streaming in another tab. Move it here?")).to_be_visible()
    alice.page.get_by_role("button", name="Move it here").click()
    alice.expect_state("Live - noise removed")
    bob.hears_speech(within_s=10)
    expect(first.get_by_role("heading", name="Live in another tab", level=1)).to_be_visible()
    alice.stop()
    expect(first.get_by_role("heading", name="Ended", level=1)).to_be_visible()


def test_log_out_while_live_ends_the_stream_here(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    alice.page.locator(".account > summary").click()
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("heading", name="Log in")).to_be_visible()
    bob.hears_nothing(within_s=5)
    expect(alice.page.get_by_role("region", name="Player")).to_have_count(0)
