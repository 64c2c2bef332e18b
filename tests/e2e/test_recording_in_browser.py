"""Chromium's own player on recordings: while they are still written, and long ones."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import numpy as np
import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from agent.recording.files import DiskFile
from agent.recording.flac_file import FlacFile, repair
from agent.recording.recorder import FlacRecorder
from tests.webapp.conftest import Person, make_config
from tests.webapp.support.recordings_on_disk import record
from webapp import create_app
from webapp.core.database import db
from webapp.recordings import ingest as recording_ingest

RATE = 48_000
RECORDING = "e" * 32
NOISE = (np.random.default_rng(1).standard_normal(60 * RATE) * 2000).astype(np.int16)

OPEN = """async (url) => {
    window.sound = new Audio(url);
    await new Promise((open, fail) => { sound.onloadedmetadata = open; sound.onerror = () => fail(sound.error.message); });
    return sound.duration;
}"""
SEEK_AND_PLAY = """async (to) => {
    const sought = new Promise((done) => { sound.onseeked = done; });
    sound.currentTime = to;
    await sought;
    await sound.play();
    await new Promise((done) => { sound.ontimeupdate = () => { if (sound.currentTime > to + 0.3) done(); }; });
    sound.pause();
    return sound.currentTime;
}"""


class Site:
    """Runs the web app behind a real socket, with Alice logged in."""

    def __init__(self, data: Path) -> None:
        self.config = make_config(data)
        self.app = create_app(self.config)
        with self.app.app_context():
            flask_migrate.upgrade()
        self.alice = Person(self.app, "alice").register()
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def ingest(self) -> None:
        with self.app.app_context():
            recording_ingest.ingest()

    def audio_url(self) -> str:
        (recording,) = self.alice.get("/api/recordings/alice").json["recordings"]
        return recording["audio_url"]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self.app.app_context():
            db.engine.dispose()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def page(site, browser):
    context = browser.new_context()
    name = site.app.config["SESSION_COOKIE_NAME"]
    context.add_cookies([{"name": name, "value": site.alice.client.get_cookie(name).value, "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}/api/session")
    yield page
    context.close()


class Broadcast:
    """Records sound in real time, in a thread."""

    def __init__(self, folder: Path) -> None:
        self._recorder = FlacRecorder(folder, stream_id=RECORDING, owner="alice", title="A walk", on_state=lambda state: None)
        self._over = threading.Event()
        self._recorder.start()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def _speak(self) -> None:
        begin = time.monotonic()
        for at in range(0, len(NOISE), 480):
            self._recorder.write(NOISE[at : at + 480])
            if self._over.wait(max(0.0, begin + at / RATE - time.monotonic())):
                return

    def wait_for(self, seconds: float) -> None:
        while self._recorder.seconds < seconds:
            time.sleep(0.02)

    @property
    def seconds(self) -> float:
        return self._recorder.seconds

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._recorder.close(finished=True)


def test_a_recording_plays_and_seeks_while_it_is_written(site, page):
    broadcast = Broadcast(site.config.recordings)
    try:
        for seconds in (3, 6):
            broadcast.wait_for(seconds)
            site.ingest()
            before = broadcast.seconds
            duration = page.evaluate(OPEN, site.audio_url())
            assert before - 1.5 < duration < broadcast.seconds + 0.1
            for to in (0, duration - 1, duration / 2):
                assert page.evaluate(SEEK_AND_PLAY, to) > to
    finally:
        broadcast.end()
    site.ingest()
    assert page.evaluate(OPEN, site.audio_url()) == pytest.approx(broadcast.seconds, abs=0.001)


def test_a_long_recording_seeks_quickly_and_holds_no_thread_of_the_server(site, page):
    recording = record(site.config.recordings, "alice")
    path = site.config.recordings / f"{recording}.flac"
    path.unlink()
    disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
    file = FlacFile(disk, repair(disk))
    for _ in range(20):
        file.append(NOISE)
        file.drain()
    file.finish()
    disk.close()
    site.ingest()
    assert page.evaluate(OPEN, site.audio_url()) == 1200
    for to in (1000, 10, 600):
        begin = time.monotonic()
        assert page.evaluate(SEEK_AND_PLAY, to) > to
        assert time.monotonic() - begin < 5
    deadline = time.monotonic() + 5
    while any(os.path.realpath(link) == str(path) for link in Path("/proc/self/fd").iterdir()):
        assert time.monotonic() < deadline, "the server still holds the file for a player that is full"
        time.sleep(0.05)


WAVE = """() => {
    const place = document.querySelector("[data-wave]"), { shadowRoot } = place.firstElementChild ?? {};
    const canvases = [...shadowRoot?.querySelectorAll("canvas") ?? []];
    if (!canvases.length || !place.clientWidth) return null;
    const colours = canvases.map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const at = data.findIndex((part, index) => index % 4 === 3 && part === 255);
        return at < 0 ? null : `rgb(${data.slice(at - 3, at).join(", ")})`;
    });
    const { color, accentColor } = getComputedStyle(place);
    return { colours, color, accentColor, width: canvases[0].clientWidth / place.clientWidth,
        played: shadowRoot.querySelector(".progress").clientWidth / place.clientWidth };
}"""
"""Returns what is drawn under the slider: the colours of the rest and of the played part, as drawn and as the page defines
them, and their shares of the width."""


def test_the_wave_under_the_slider_shows_what_was_played_in_the_colours_of_the_page(site, page):
    violations = []
    page.on("console", lambda message: violations.append(message.text) if "Content Security Policy" in message.text else None)
    record(site.config.recordings, "alice", title="A walk", seconds=20)
    record(site.config.recordings, "alice", title="A run", seconds=5)
    site.ingest()
    held = []
    page.route("**/peaks", lambda route: held.append(route))
    page.goto(f"{site.url}/recordings/")
    page.get_by_role("button", name="Play A walk").click()
    page.get_by_role("slider", name="Seek").fill("10")
    page.get_by_role("button", name="Pause A walk").click()
    expect(page.get_by_role("button", name="Play A walk")).to_be_visible()
    held[0].continue_()  # on a slow line it comes when all is still
    page.wait_for_function(f"() => Math.abs(({WAVE})()?.played - 0.5) < 0.05")
    seen = []
    page.emulate_media(reduced_motion="reduce")  # which gives every property a transition of 1 ms
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"() => ({WAVE})().colours[0] === ({WAVE})().color")
        wave = page.evaluate(WAVE)
        assert wave["colours"] == [wave["color"], wave["accentColor"]]
        seen += wave["colours"]
    assert len(set(seen)) == 4
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(f"() => Math.abs(({WAVE})().width - 1) < 0.02")
    page.get_by_role("link", name="Stillair").click()  # the drawing moves to the next page
    page.wait_for_function(f"() => location.pathname !== '/recordings/' && Math.abs(({WAVE})()?.played - 0.5) < 0.05")
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => ({WAVE})().colours[0] === ({WAVE})().color")
    page.goto(f"{site.url}/recordings/")
    page.get_by_role("button", name="Play A walk").click()
    expect(page.get_by_role("button", name="Pause A walk")).to_be_visible()
    held[1].continue_()
    page.wait_for_function(f"() => ({WAVE})()")
    page.get_by_role("button", name="Play A run").click()
    expect(page.get_by_role("button", name="Pause A run")).to_be_visible()
    assert page.evaluate(WAVE) is None  # another recording's would say what is not true
    held[2].continue_()
    page.wait_for_function(f"() => ({WAVE})()")
    assert not violations


def seconds(text: str) -> int:
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


def test_the_player_shows_the_voice_goes_on_as_a_recording_grows_and_remembers_where_it_was(site, page):
    broadcast = Broadcast(site.config.recordings)
    try:
        broadcast.wait_for(3)
        site.ingest()
        page.goto(f"{site.url}/recordings/")
        page.get_by_role("button", name="Play A walk").click()
        player = page.get_by_role("region", name="Player")
        position = player.locator("[data-fill=position]")
        first_length = seconds(player.locator("[data-fill=duration]").inner_text())
        page.wait_for_function(f"() => ({WAVE})()?.colours.length === 2")
        page.get_by_role("link", name="Stillair").click()  # navigation does not cut it
        page.wait_for_function("at => document.querySelector('#player output').textContent > at", arg=f"00:0{first_length + 2}")
        assert seconds(position.inner_text()) > first_length
    finally:
        broadcast.end()
    site.ingest()
    end = int(broadcast.seconds)
    expect(position).to_have_text(f"00:{end:02}", timeout=30_000)  # it stops at the very end
    expect(player.get_by_role("button", name="Play")).to_be_visible()

    slider = player.get_by_role("slider", name="Seek")
    slider.fill("6")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(f"^6 seconds of {end} seconds$"))
    player.get_by_label("Speed").select_option("2")
    page.goto(f"{site.url}/recordings/")
    page.get_by_role("button", name="Play A walk").click()
    expect(position).to_have_text(re.compile("00:0[6-9]"))
    page.keyboard.press("j")
    expect(position).to_have_text(re.compile("00:0[0-4]"))
    page.keyboard.press("l")
    expect(position).to_have_text(f"00:{end:02}")
    assert page.evaluate("navigator.mediaSession.metadata.title") == "A walk"  # on the lock screen
