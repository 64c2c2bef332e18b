"""Starts Chromium as the tests need it."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Playwright

from launcher.setup import chromium


class Chromium:
    def __init__(self, playwright: Playwright, microphone: Path) -> None:
        self._playwright = playwright
        self._microphone = microphone

    @contextmanager
    def launch(self, *flags: str, microphone: Path | None = None, has_microphone: bool = True, env: dict[str, str] | None = None):
        """Starts a browser whose fake microphone plays the WAV file `microphone` in a loop.

        Without `has_microphone` the browser sees the microphones of the machine instead."""
        sound = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone or self._microphone}"]
        # As root, as in a container, Chromium starts only without its sandbox.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = self._playwright.chromium.launch(
            executable_path=os.environ.get(chromium.VARIABLE) or shutil.which("chromium"),
            args=[*sandbox, *(sound if has_microphone else []), *flags],
            env={**os.environ, **(env or {})},
        )
        try:
            yield browser
        finally:
            browser.close()
