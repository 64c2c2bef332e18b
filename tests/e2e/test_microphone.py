"""Why a microphone cannot be used: each cause is real, and the page says what it is and what to do."""

import numpy as np
from playwright.sync_api import expect

from tests.e2e import sounds
from tests.e2e.conftest import OUTSIDE_NAME
from tests.e2e.sound_server import sound_server


def expect_trouble(person, words: str) -> None:
    person.open("/live")
    person.page.get_by_role("button", name="Start Streaming").click()
    expect(person.notice(words)).to_be_visible(timeout=10_000)
    expect(person.page.get_by_role("heading", name="Not live", level=1)).to_be_visible()


def test_a_page_that_is_not_secure(instance, chromium, arrive):
    with chromium.launch(f"--host-resolver-rules=MAP {OUTSIDE_NAME} 127.0.0.1") as browser:
        address = instance.url.replace("127.0.0.1", OUTSIDE_NAME)
        alice = arrive("alice", url=address, browser=browser, allowed=False).register_by_hand()
        expect_trouble(alice, "Your browser only allows the microphone on https or localhost.")


def test_permission_denied_and_then_given(instance, join):
    alice = join("alice")
    alice.context.clear_permissions()
    expect_trouble(alice, "The microphone is blocked for this site.")
    alice.context.grant_permissions(["microphone"], origin=instance.url)
    alice.page.get_by_role("button", name="Try again").click()
    alice.expect_state("Live - noise removed")


def test_no_microphone_at_all(chromium, arrive):
    with chromium.launch(has_microphone=False, env={"ALSA_CONFIG_PATH": "/dev/null"}) as browser:
        expect_trouble(arrive("alice", browser=browser).register(), "No microphone found.")


def test_a_microphone_that_is_plugged_in_is_noticed(chromium, arrive):
    with sound_server() as sound, chromium.launch(has_microphone=False, env=sound.environment) as browser:
        alice = arrive("alice", browser=browser).register()
        expect_trouble(alice, "No microphone found.")
        sound.plug_in()
        # The sound server tells nobody; the browser sees it, and says so to its pages, when one of them looks.
        alice.page.evaluate("navigator.mediaDevices.enumerateDevices()")
        expect(alice.notice("No microphone found.")).to_be_hidden()
        alice.page.get_by_role("button", name="Start Streaming").click()
        alice.expect_state("Live - noise removed")


def test_a_microphone_that_another_program_holds(chromium, arrive):
    with sound_server() as sound, chromium.launch(has_microphone=False, env=sound.environment) as browser:
        alice = arrive("alice", browser=browser).register()
        sound.plug_in()
        with sound.hold():
            expect_trouble(alice, "Another program is using the microphone.")
        alice.page.get_by_role("button", name="Start Streaming").click()
        alice.expect_state("Live - noise removed")


def test_a_microphone_that_gives_nothing(chromium, arrive, tmp_path):
    silence = sounds.write_wav(tmp_path / "silence.wav", np.zeros(sounds.RATE * 5, np.float32))
    with chromium.launch(microphone=silence) as browser:
        alice = arrive("alice", browser=browser).register()
        alice.go_live()
        expect(alice.notice("No sound from this microphone.")).to_be_visible(timeout=15_000)


def test_the_microphone_goes_while_live(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    alice.context.clear_permissions()  # the browser takes the microphone away, as when it is unplugged
    expect(alice.notice("Microphone disconnected. Friends hear silence.")).to_be_visible()
    bob.hears_nothing(within_s=5)


def test_a_computer_that_forbids_it(join):
    """Linux has no such setting: Chromium's own error, as it is on Windows and macOS, is thrown in its place."""
    alice = join("alice")
    error = "new DOMException('Permission denied by system', 'NotAllowedError')"
    alice.context.add_init_script(f"navigator.mediaDevices.getUserMedia = () => Promise.reject({error});")
    expect_trouble(alice, "Your browser may use the microphone, but your computer's settings stop it.")
