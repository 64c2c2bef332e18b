"""Acts for people in real browsers."""

import itertools
import json
import re
import ssl
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from tests.e2e import sounds

PASSWORD = "a sentence is fine"
ADMIN = "keeper"
TAP = (Path(__file__).parent / "tap.js").read_text()
COUNT = itertools.count(1)

# What the browser itself says when a server that was killed does not answer; the page can neither prevent nor catch it.
NETWORK_NOISE = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
# What it says of a header that counts on https only.
INSECURE_NOISE = ("The Cross-Origin-Opener-Policy header has been ignored",)


def make_admin(url: str, set_up_token: str) -> None:
    """Makes the first account of an instance, without a browser."""
    any_certificate = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), any_certificate)
    with opener.open(f"{url}/api/session") as answer:
        token = json.load(answer)["csrf_token"]
    body = json.dumps({"username": ADMIN, "password": PASSWORD, "set_up": set_up_token}).encode()
    headers = {"X-CSRF-Token": token, "Content-Type": "application/json"}
    opener.open(urllib.request.Request(f"{url}/api/register", body, headers)).close()


def hear_together(people: "Sequence[Person]", seconds: float) -> list[np.ndarray]:
    """Returns what each person's page plays during the same next seconds: float32, 48 kHz, as it comes out of the tab."""
    starts = [person.page.evaluate("heard.mark()") for person in people]
    for person, start in zip(people, starts, strict=True):
        person.page.wait_for_function(
            "([start, count]) => heard.count() - start >= count",
            arg=[start, int(seconds * sounds.RATE)],
            timeout=seconds * 1000 + 15_000,
        )
    takes = zip(people, starts, strict=True)
    return [sounds.of_text(person.page.evaluate("start => heard.take(start)", start)) for person, start in takes]


@dataclass
class Person:
    """Holds one browser profile of one person, and everything that went wrong in it."""

    username: str
    context: BrowserContext
    url: str
    problems: list[str] = field(default_factory=list)
    gone: bool = False
    expected: tuple[str, ...] = ()  # what the browser may say in this test besides
    _page: Page | None = None

    @classmethod
    def arrive(cls, browser: Browser, url: str, name: str, *, allowed: bool = True, **context_options) -> "Person":
        """Opens a new profile that has not logged in. A number in the user name gives every test people of its own.

        `allowed`: whether the site may use the microphone.
        """
        context = browser.new_context(**context_options)
        if allowed:
            context.grant_permissions(["microphone"], origin=url)
        context.add_init_script(TAP)
        return cls(f"{name}-{next(COUNT)}", context, url)

    @property
    def page(self) -> Page:
        """The tab in front. It opens when it is first needed, because a window costs half a second of CPU time."""
        if self._page is None:
            self._page = self.watch(self.context.new_page())
        return self._page

    def watch(self, page: Page) -> Page:
        page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        return page

    @property
    def real_problems(self) -> list[str]:
        """Leaves out what every browser says about a server that is down and about a page that is not secure."""
        noise = (*NETWORK_NOISE, *INSECURE_NOISE, *self.expected)
        return [problem for problem in self.problems if not any(words in problem for words in noise)]

    def new_tab(self) -> Page:
        """Goes on in another tab and returns the one before."""
        before, self._page = self.page, self.watch(self.context.new_page())
        return before

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def register(self) -> "Person":
        """Registers through the API, which is quick. No page is open afterwards."""
        self.call("POST", "/api/register", {"username": self.username, "password": PASSWORD})
        return self

    def register_by_hand(self) -> "Person":
        """Registers as people do. The home page is open afterwards."""
        self.open("/register")
        self.page.get_by_label("User name").fill(self.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Register").click()
        expect(self.page.get_by_role("heading", name="Quiet in here.")).to_be_visible()
        return self

    def log_in(self, username: str) -> "Person":
        """Logs in through the API, which is quick. No page is open afterwards."""
        self.username = username
        self.call("POST", "/api/login", {"username": username, "password": PASSWORD})
        return self

    def call(self, method: str, path: str, body: object = None, ok: tuple[int, ...] = (200, 201, 204)) -> object:
        """Calls the JSON API with this browser's cookies."""
        data = None if body is None else json.dumps(body)
        headers = {"X-CSRF-Token": self._csrf_token(), "Content-Type": "application/json"}
        answer = self.context.request.fetch(self.url + path, method=method, data=data, headers=headers)
        assert answer.status in ok, answer.text()
        return answer.json() if answer.status != 204 else None

    def send(self, path: str, **fields: str | FilePayload) -> None:
        """Sends a form without opening its page. Reads the answer too, or the next page would show "Saved."."""
        answer = self.context.request.post(self.url + path, multipart={"csrf_token": self._csrf_token(), **fields})
        assert answer.ok, answer.text()

    def _csrf_token(self) -> str:
        return self.context.request.get(f"{self.url}/api/session").json()["csrf_token"]

    def rename(self, name: str) -> "Person":
        """Sets the display name without opening the settings, which is quick."""
        self.send("/settings/", display_name=name)
        return self

    def rename_by_hand(self, name: str) -> "Person":
        """Sets the display name as people do."""
        self.open("/settings/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_text("Saved.")).to_be_visible()
        return self

    def befriend(self, other: "Person") -> None:
        """Makes two people friends through the API, which is quick."""
        asked = other.call("POST", "/api/friend-request/send", {"username": self.username})
        self.call("POST", f"/api/friend-request/{asked['id']}/respond", {"action": "accept"})

    def in_sidebar(self, friend: "Person") -> Locator:
        """Finds the link to a friend who is not live."""
        return self.page.get_by_role("navigation", name="Friends").get_by_role("link", name=friend.username)

    def leave(self) -> None:
        """Ends a stream that still runs, which would occupy a slot of the noise remover until its grace period is over."""
        if self.gone:
            return
        self.gone = True
        if self.context.request.get(f"{self.url}/api/session").json()["user"]:
            self.call("POST", "/api/stream/stop", ok=(200, 404))
        self.context.close()

    def check_set_up(self) -> dict[str, str]:
        """Runs the set-up check and returns what each line says."""
        self.open("/settings/check")
        self.page.get_by_role("button", name="Start the check").click()
        expect(self.page.get_by_role("button", name="Check again")).to_be_visible(timeout=60_000)
        lines = self.page.get_by_role("main").get_by_role("listitem").filter(has=self.page.locator("[data-name]"))
        return dict(re.split(r"\n+", line.strip(), maxsplit=1) for line in lines.all_inner_texts())

    # --- On air

    def go_live(self, title: str = "") -> None:
        self.open("/live")
        if title:
            self.page.get_by_label("Title").fill(title)
        self.page.get_by_role("button", name="Start Streaming").click()
        self.expect_state("Live - noise removed")

    def expect_state(self, words: str, timeout_s: float = 20) -> None:
        expect(self.page.get_by_role("heading", name=words, level=1)).to_be_visible(timeout=timeout_s * 1000)

    def stop(self) -> None:
        self.page.get_by_role("button", name="Stop Streaming").click()
        self.expect_state("Ended")

    def notice(self, words: "str | re.Pattern[str]") -> Locator:
        return self.page.get_by_role("alert").get_by_role("heading", name=words)

    def keep_notices(self) -> None:
        """Remembers every notice from now on, for `was_told`: some stay for only a second."""
        self.page.evaluate("""() => {
            globalThis.noticed = new Set();
            const look = () => document.querySelectorAll("[role=alert] :is(h1, h2, h3)").forEach(
                (heading) => heading.checkVisibility() && noticed.add(heading.textContent.trim()));
            new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
        }""")

    def was_told(self, words: "str | re.Pattern[str]") -> None:
        """Fails unless such a notice has appeared since `keep_notices`, or appears now."""
        pattern = words.pattern if isinstance(words, re.Pattern) else f"^{re.escape(words)}$"
        found = "pattern => [...noticed].some((words) => new RegExp(pattern).test(words))"
        self.page.wait_for_function(found, arg=pattern, timeout=15_000)

    # --- What is heard

    def listen_to(self, friend: "Person") -> None:
        self.open(f"/listen/{friend.username}")
        expect(self.page.get_by_role("button", name="Pause")).to_be_visible(timeout=20_000)

    def hear(self, seconds: float) -> np.ndarray:
        """Returns what this page plays during the next seconds: float32, 48 kHz, as it comes out of the tab."""
        [heard] = hear_together([self], seconds)
        return heard

    def hears_speech(self, within_s: float) -> float:
        """Returns the seconds until speech is heard, and fails if it does not come in time."""
        began = time.monotonic()
        self.page.wait_for_function("() => heard.level() > -40", timeout=within_s * 1000, polling=50)
        return time.monotonic() - began

    def hears_nothing(self, within_s: float) -> float:
        """Returns the seconds until it has been silent for a second."""
        began = time.monotonic()
        self.page.wait_for_function("() => heard.silentFor() > 1", timeout=(within_s + 1) * 1000, polling=50)
        return time.monotonic() - began - 1
