"""What people write is text on every page, in a real browser: nothing of it runs, and no page even tries to load it.

Each text that people choose (tests/webapp/support/stored_texts.py) is a payload with a mark of its own, and each has to be seen
somewhere, or the test would prove nothing about it. tap.js reports what the Content Security Policy stops.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.e2e.people import Person
from tests.e2e.test_second_factor import DEVICE
from tests.webapp.support.stored_texts import CHOSEN

SHORT = "'\"></script><svg onload=xss()>{{7*7}}%(n)s"
LONGER = SHORT + "</template></textarea><img src=x onerror=xss()>"
LONG = LONGER + '<turbo-stream action="append" target="main"><template><script>xss()</script></template></turbo-stream>'
MARKS = {name: f"mark{number}x" for number, name in enumerate(sorted({*CHOSEN, "address", "browser"}))}
DERIVED = {"account_notice.detail": "access_token.name", "audit_entry.detail": "stream.title"}
"""Texts that are copies of others, and the pages that show them."""


def payload(name: str, text: str = SHORT) -> str:
    return MARKS[name] + text


class Visitor:
    """Goes from page to page in both languages, and remembers which marks were there."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def walk(self, person: Person, *paths: str) -> None:
        for language in ("en", "de"):
            person.send("/settings/language", language=language)
            for path in paths:
                person.open(path)
                assert person.page.locator("html").get_attribute("lang") in (language, None)  # none: a part of a page
                self.look(person.page, path)

    def look(self, page: Page, where: str) -> None:
        assert page.evaluate("window.ran ?? null") is None, where
        self.seen |= set(re.findall(r"mark\d+x", page.content()))


def trap(person: Person) -> Person:
    """Makes every payload that runs known, also to a test that looks later."""
    person.context.add_init_script("window.xss = () => { window.ran = true; console.error('a payload ran'); }")
    return person


def add_passkey(person: Person) -> None:
    devtools = person.context.new_cdp_session(person.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    person.open("/settings/second-factor/")
    person.page.get_by_label("Name of a new passkey").fill(payload("passkey.name"))
    person.page.get_by_role("button", name="Add a passkey").click()
    expect(person.page.get_by_role("listitem").filter(has_text=MARKS["passkey.name"])).to_be_visible()


def test_no_payload_runs_on_any_page_or_arrives_as_an_event(arrive, join, admin, instance):
    evil = join("evil", user_agent=payload("browser", LONG))
    again, nora = trap(arrive("evil").log_in(evil.username)), join("nora")
    for person in (evil, nora, admin):
        trap(person)
    evil.befriend(nora)
    visitor, title = Visitor(), payload("stream.title", LONGER)
    address = quote(payload("address", LONG))

    profile = {"display_name": payload("user.display_name"), "about": payload("user.about", LONGER)}
    evil.send("/settings/", **profile)
    evil.send("/settings/tokens", name=payload("access_token.name"), scopes="read", days="30")
    asking = join("asking")
    asking.send("/settings/", **profile)
    asking.call("POST", "/api/friend-request/send", {"username": nora.username})

    evil.go_live(title)
    stream = evil.call("GET", f"/api/stream/status/{evil.username}")["stream"]["id"]
    nora.open(f"/listen/{evil.username}")
    evil.call("POST", "/api/stream/title", {"title": title})
    evil.call("POST", f"/api/stream/chat/{stream}", {"text": payload("chat_message.text", LONG)})
    evil.send("/settings/", **profile)
    expect(nora.page.get_by_text(MARKS["chat_message.text"])).to_be_visible()
    expect(nora.page.get_by_role("log").get_by_text(MARKS["user.display_name"])).to_be_visible()
    visitor.look(nora.page, "events")
    expect(evil.page.get_by_role("heading", name="1 listening")).to_be_visible()
    visitor.look(evil.page, "the owner's page")

    visitor.walk(
        nora,
        *("/", "/friends/", "/recordings/friends", "/settings/notifications", f"/listen/{evil.username}", f"/chat/{stream}"),
        *(
            f"/search?q={evil.username}",
            f"/search?q={address}",
            f"/recordings/friends?q={address}",
            f"/chat/{stream}?before={address}",
        ),
        *(f"/recordings/{stream}/clip", f"/recordings/{stream}/clip?start={address}", f"/nothing/{address}"),
    )
    visitor.walk(
        admin, "/admin/live", "/admin/people/", f"/admin/people/{evil.username}", f"/admin/people/{evil.username}/delete"
    )
    admin.send(f"/admin/live/{stream}/end")
    expect(evil.page.get_by_role("heading", level=1)).to_have_text(re.compile("Ended|Beendet"))
    visitor.walk(admin, "/admin/log", "/admin/storage", "/admin/attendance")

    evil.call("PATCH", f"/api/recordings/{stream}", {"title": payload("recording.title", LONGER)})
    visitor.walk(nora, f"/chat/{stream}", f"/listen/{evil.username}", f"/sidebar?page={address}")
    visitor.walk(
        evil,
        *("/", "/settings/", "/settings/tokens", "/settings/log-ins", "/recordings/", f"/recordings/?q={address}", "/invites"),
        *(f"/recordings/{stream}/rename", f"/recordings/{stream}/share", f"/recordings/{stream}/heard", f"/live?title={address}"),
    )
    visitor.walk(again, "/")
    keyed = trap(join("keyed", url=instance.url.replace("127.0.0.1", "localhost")))  # a passkey is bound to a name
    add_passkey(keyed)
    visitor.walk(keyed, "/settings/second-factor/")
    nobody = trap(arrive("nobody"))
    for path in (f"/login?next={address}", f"/register?invite={address}", f"/invite/{address}", f"/reset/{address}"):
        nobody.open(path)
        visitor.look(nobody.page, path)

    expected = {MARKS[DERIVED.get(name, name)] for name in CHOSEN}
    assert expected - visitor.seen == set(), "was on no page, so nothing is known about it"
    nora.open("/")
    assert nora.real_problems == []
    nora.page.evaluate("(text) => document.body.insertAdjacentHTML('beforeend', text)", LONG)
    nora.page.wait_for_function("() => document.querySelector('body > img')?.complete")
    assert any("securitypolicyviolation" in problem for problem in nora.problems), "a payload that is markup would be reported"
    nora.problems.clear()
