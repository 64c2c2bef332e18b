"""How smooth the pages stay for somebody with 500 friends: `python -m benchmarks.sidebar`, a minute, on a machine at rest.

A whole Stillair and Chromium. Half of the friends call themselves something else, ten of them a second, each of which changes the
list of friends; then one goes on air. Measured in the page: how long after the commit a new name is seen, how long the page's
thread is kept from anything else, and how long it takes until somebody is Live after the first clean sound. Goal: 2 s.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
from flask import Flask
from playwright.sync_api import expect, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.library import add_friends, make_app, names
from tests.e2e import sounds
from tests.e2e.chromium import Chromium
from tests.e2e.people import Person
from tests.instance import started
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.profiles import profiles

GOAL_S = 2.0
CHANGES_A_SECOND = 10
WATCH = """() => {
    globalThis.seen = new Map();
    globalThis.blocked = [];
    const company = () => document.getElementById("company")?.textContent ?? "";
    new MutationObserver(() => {
        for (const [name] of company().matchAll(/A new name \\d+/g)) if (!seen.has(name)) seen.set(name, Date.now());
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    new PerformanceObserver((list) => blocked.push(...list.getEntries().map((entry) => entry.duration)))
        .observe({ entryTypes: ["longtask"] });
}"""


def first_load_ms(person: Person) -> float:
    person.open("/")
    timing = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    return float(person.page.evaluate(timing))


def rename(app: Flask, count: int) -> dict[str, float]:
    """-> when each new name was committed, ms since 1970."""
    committed = {}
    with app.app_context():
        for number, name in enumerate(sorted(names(count))):
            due = time.monotonic() + 1 / CHANGES_A_SECOND
            user = accounts.find(name)
            assert user is not None
            profiles.change(user, display_name=f"A new name {number:03}", about="")
            committed[f"A new name {number:03}"] = time.time() * 1000
            time.sleep(max(0, due - time.monotonic()))
    return committed


def live_s(alice: Person, bob: Person) -> float:
    """Seconds from the broadcaster's "Live" to the friend's."""
    bob.go_live()
    began = time.monotonic()
    friends = alice.page.get_by_role("navigation", name="Friends")
    expect(friends.get_by_role("link", name=f"Listen to {bob.username}")).to_be_visible(timeout=20_000)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--friends", type=int, default=500)
    parser.add_argument("--changes", type=int, default=30, help="of names; the list shows the first 40 friends")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        instance = stack.enter_context(started(folder / "data"))
        microphone = sounds.write_wav(folder / "microphone.wav", sounds.noisy_speech())
        chromium = Chromium(stack.enter_context(sync_playwright()), microphone)
        browser = stack.enter_context(chromium.launch())
        alice, bob = (Person.arrive(browser, instance.url, name).register() for name in ("alice", "bob"))
        alice.befriend(bob)
        app = make_app(instance.data)
        with app.app_context():
            mine = accounts.find(alice.username)
            assert mine is not None
            add_friends(mine, options.friends)
            db.session.commit()
        first_load_ms(alice)
        load = first_load_ms(alice)
        size = len(alice.context.request.get(alice.url).body())
        alice.page.evaluate(WATCH)
        committed = rename(app, options.changes)
        alice.page.wait_for_function("() => seen.size > 0", timeout=5000)
        time.sleep(2)
        seen = alice.page.evaluate("[...seen]")
        blocked = alice.page.evaluate("blocked")
        waits = [at - committed[name] for name, at in seen]
        live = live_s(alice, bob)
        for person in (alice, bob):
            person.leave()
    table = Table("figure", "measured", "goal")
    table.add_row(f"friends page, {options.friends} friends: until it can be used", f"{load:.0f} ms", "")
    table.add_row("its size before compression", f"{size / 1000:.0f} kB", "")
    shares = " / ".join(f"{wait:.0f}" for wait in np.percentile(waits, (50, 95, 100)))
    table.add_row(f"a change until it is seen, {len(waits)} names, p50 / p95 / max", f"{shares} ms", f"{GOAL_S} s")
    stood = f"{len(blocked)}; {max(blocked, default=0):.0f} ms"
    table.add_row("times that the page stood still for over 50 ms; longest", stood, "")
    table.add_row("Live for the friend after the broadcaster's own Live", f"{live:.2f} s", f"{GOAL_S} s")
    Console().print(table)


if __name__ == "__main__":
    main()
