"""How Lighthouse, Chromium's own judge, sees the pages: performance, accessibility and best practices, 0 to 100.

    python -m benchmarks.pages [--desktop] [--json FILE] [--keep FOLDER]

It loads them as a slow phone would, or with --desktop as a desktop computer, while a friend is live. Lighthouse is an npm
package; the first run installs it into benchmarks/lighthouse, in the version of its lock file. Wants the machine for itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from launcher.setup import chromium
from tests.e2e import sounds
from tests.e2e.chromium import Chromium
from tests.e2e.people import Person
from tests.instance import started
from tests.webapp.support.recordings_on_disk import record

FOLDER = Path(__file__).parent / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
TARGET = 95
RECORDINGS = 12

Scores = Mapping[str, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--desktop", action="store_true")
    parser.add_argument("--json", type=Path, help="For scripts.")
    parser.add_argument("--keep", type=Path, help="Folder for Lighthouse's own reports.")
    arguments = parser.parse_args()
    console = Console()
    install()
    with tempfile.TemporaryDirectory() as folder, two_friends(Path(folder), console) as (alice, bob):
        pages = {"friends": "/", "listening": f"/listen/{alice.username}", "recordings": "/recordings/friends"}
        reports = arguments.keep or Path(folder)
        reports.mkdir(exist_ok=True)
        results = {name: judge(bob, path, reports / f"{name}.json", desktop=arguments.desktop) for name, path in pages.items()}
    show(results, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    return int(any(score < TARGET for scores in results.values() for score in scores.values()))


def install() -> None:
    if not (FOLDER / "node_modules" / "lighthouse").is_dir():
        npm = shutil.which("npm") or sys.exit("npm is not on PATH: install Node.js 18.20 or later.")
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)


@contextlib.contextmanager
def two_friends(folder: Path, console: Console) -> Iterator[tuple[Person, Person]]:
    """Alice, who is on air and has some recordings, and Bob, who is logged in."""
    console.print("starting a whole Stillair with somebody live")
    microphone = sounds.write_wav(folder / "microphone.wav", sounds.noisy_speech())
    with (
        started(folder / "data") as instance,
        sync_playwright() as playwright,
        Chromium(playwright, microphone).launch() as browser,
    ):
        alice, bob = (Person.arrive(browser, instance.url, name).register() for name in ("alice", "bob"))
        alice.befriend(bob)
        for number in range(RECORDINGS):
            record(instance.data / "recordings", alice.username, title=f"Kitchen radio {number + 1}")
        alice.go_live("Kitchen radio")
        yield alice, bob
        alice.leave()


def judge(person: Person, path: str, report: Path, *, desktop: bool) -> Scores:
    """In a new browser that knows the person and has loaded nothing yet."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as profile:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        running = person.context.browser
        assert running is not None
        browser = running.browser_type.launch_persistent_context(
            profile,
            executable_path=os.environ.get(chromium.VARIABLE) or shutil.which("chromium"),
            args=[f"--remote-debugging-port={port}", "--mute-audio", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        )
        browser.add_cookies(person.context.cookies())  # type: ignore[arg-type]      # Playwright's own, there and back
        subprocess.run(
            [
                "node",
                str(FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"),
                person.url + path,
                "--quiet",
                f"--port={port}",
                "--disable-storage-reset",
                f"--only-categories={','.join(CATEGORIES)}",
                "--output=json",
                f"--output-path={report}",
                *(["--preset=desktop"] if desktop else []),
            ],
            check=True,
        )
        browser.close()
    found = json.loads(report.read_text())
    return {name: round(found["categories"][name]["score"] * 100) for name in CATEGORIES}


def show(results: Mapping[str, Scores], console: Console) -> None:
    table = Table("page", *CATEGORIES, title=f"Lighthouse, {TARGET} or more is wanted")
    for page, scores in results.items():
        table.add_row(page, *(f"{'' if score >= TARGET else '[bold]'}{score}" for score in scores.values()))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
