"""Finds or fetches the browser of the tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from launcher.command import CommandError, run
from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import ROOT
from launcher.setup import debian

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
VARIABLE = "STILLAIR_CHROMIUM"
PLAYWRIGHTS_OWN = "from playwright.sync_api import sync_playwright as p\nwith p() as w: print(w.chromium.executable_path)"


def find(python: Path, console: Console) -> Path:
    """Return it from STILLAIR_CHROMIUM, PATH, Playwright's folder, Debian's package or Playwright's download. Raises Problem."""
    if chosen := os.environ.get(VARIABLE):
        return _works(Path(chosen), f"{VARIABLE} is {chosen!r}, which is no browser that starts.")
    if found := _on_path() or _playwrights(python):
        return found
    details = []
    for fetch in (_from_debian, _from_playwright):
        try:
            fetch(python, console)
        except CommandError as error:
            details.append(error.output)
        if found := _on_path() or _playwrights(python):
            return found
    raise Problem(
        "The browser tests need Chromium, and none is here.",
        "install it (Debian: sudo apt-get install chromium; else .venv/bin/playwright install chromium), then run this again.",
        "\n".join(details),
    )


def _works(path: Path, what: str) -> Path:
    if not os.access(path, os.X_OK):
        raise Problem(what, f"correct {VARIABLE}, or unset it.")
    return path


def _on_path() -> Path | None:
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def _playwrights(python: Path) -> Path | None:
    try:
        path = Path(run([python, "-c", PLAYWRIGHTS_OWN], folder=ROOT, timeout_s=60).strip())
    except CommandError:
        return None
    return path if path.is_file() else None


def _from_debian(_python: Path, console: Console) -> None:
    if debian.can_install():
        debian.install(["chromium"], console)


def _from_playwright(python: Path, console: Console) -> None:
    with console.step("Downloading Chromium"):
        run([python, "-m", "playwright", "install", "chromium"], folder=ROOT, timeout_s=600)
