"""The keys of a headset, a keyboard or a lock screen, which reach a browser by the desktop's own bus (MPRIS)."""

import re
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from launcher.run.processes import wait_until

PLAYER = "org.mpris.MediaPlayer2.Player"


class Desktop:
    """Sees the browser's player as a desktop does, and presses its buttons."""

    def __init__(self, address: str) -> None:
        self.address = address

    def _send(self, destination: str, path: str, *message: str) -> str:
        command = ["dbus-send", f"--bus={self.address}", "--print-reply", f"--dest={destination}", path, *message]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def players(self) -> list[str]:
        names = self._send("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames")
        return re.findall(r'"(org\.mpris\.MediaPlayer2\.[^"]+)"', names)

    def press(self, button: str) -> None:
        self._send(self.players()[0], "/org/mpris/MediaPlayer2", f"{PLAYER}.{button}")

    def shows(self) -> str:
        """Returns title, artist and the like, as the bus prints them."""
        wanted = "org.freedesktop.DBus.Properties.Get", f"string:{PLAYER}", "string:Metadata"
        return self._send(self.players()[0], "/org/mpris/MediaPlayer2", *wanted)


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield Desktop(bus.stdout.readline().strip())
    bus.kill()
    bus.wait()


def test_they_steer_the_live_sound_and_then_the_recording(desktop, chromium, join):
    flags, environment = "--autoplay-policy=no-user-gesture-required", {"DBUS_SESSION_BUS_ADDRESS": desktop.address}
    with chromium.launch(flags, env=environment) as browser:
        alice, bob = join("alice"), join("bob", browser=browser)
        alice.befriend(bob)
        alice.go_live("Kitchen radio")
        assert desktop.players() == []
        bob.listen_to(alice)
        bob.hears_speech(within_s=10)
        assert wait_until(lambda: desktop.players() and "Kitchen radio" in desktop.shows(), 10)
        assert alice.username in desktop.shows()
        desktop.press("Pause")
        expect(bob.page.get_by_role("main").get_by_role("button", name="Play", exact=True)).to_be_visible()
        desktop.press("Play")
        expect(bob.page.get_by_role("main").get_by_role("button", name="Pause", exact=True)).to_be_visible()
        bob.hears_speech(within_s=10)
        alice.stop()
        bob.page.get_by_role("button", name="Play the recording").click()
        player = bob.page.get_by_role("region", name="Player")
        expect(player.get_by_role("button", name="Pause")).to_be_visible()
        desktop.press("Pause")
        expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
