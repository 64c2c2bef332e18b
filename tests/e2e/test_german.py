"""Stillair for somebody whose browser speaks German: the pages, and what the scripts say in them."""

import re

from playwright.sync_api import expect

from tests.e2e.looks import look
from tests.e2e.people import PASSWORD

GERMAN = {"locale": "de-DE", "viewport": {"width": 1280, "height": 900}}


def join_in_german(arrive, name):
    person = arrive(name, **GERMAN)
    person.open("/register")
    person.page.get_by_label("Benutzername").fill(person.username)
    person.page.get_by_label("Passwort").fill(PASSWORD)
    person.page.get_by_role("button", name="Registrieren").click()
    expect(person.page.get_by_role("heading", name="Ganz still hier.")).to_be_visible()
    return person


def test_pages_in_german(arrive):
    problems = []
    visitor = arrive("besuch", **GERMAN)
    for name, path in (("register", "/register"), ("difference", "/difference"), ("missing", "/nothing-here")):
        visitor.open(path)
        problems += look(visitor.page, f"german-{name}")
    anna = join_in_german(arrive, "anna")
    for name, path in (
        ("home", "/"),
        ("live-idle", "/live"),
        ("recordings", "/recordings/"),
        ("settings-recording", "/settings/recording"),
        ("password", "/settings/password"),
        ("invites", "/invites"),
    ):
        anna.open(path)
        problems += look(anna.page, f"german-{name}")
    assert not problems, "\n".join(problems)


def test_on_air_in_german(arrive):
    problems = []
    anna, ben = join_in_german(arrive, "anna"), join_in_german(arrive, "ben")
    anna.befriend(ben)
    anna.open("/live")
    anna.page.get_by_label("Titel").fill("Abendplauderei")
    anna.page.get_by_role("button", name="Auf Sendung gehen").click()
    anna.expect_state("Live – ohne Geräusche")
    expect(anna.page.locator(".level__words")).to_have_text(re.compile("Kein Ton|Leise|Guter Pegel|Zu laut"))
    ben.open(f"/listen/{anna.username}")
    expect(ben.page.get_by_role("button", name="Anhalten")).to_be_visible(timeout=20_000)
    expect(ben.page.get_by_text(re.compile(r"^\s*\d(,\d)? s hinter"))).to_be_visible()
    problems += look(ben.page, "german-listen")
    expect(anna.page.get_by_role("heading", name="1 hört zu")).to_be_visible()
    problems += look(anna.page, "german-live")
    anna.page.get_by_role("button", name="Sendung beenden").click()
    anna.expect_state("Zu Ende")
    anna.open("/recordings/")
    anna.page.get_by_text("Mehr zu").locator("..").click()
    problems += look(anna.page, "german-recordings-menu")
    assert not problems, "\n".join(problems)


def test_a_choice_in_the_settings_changes_pages_and_scripts_at_once(join):
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.open("/settings/language")
    alice.page.get_by_label("Deutsch").check()
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_text("Gespeichert.")).to_be_visible()
    expect(alice.page.locator("html")).to_have_attribute("lang", "de")
    assert not (problems := look(alice.page, "german-language")), "\n".join(problems)
    alice.page.get_by_text("Kontomenü").locator("..").click()
    alice.page.get_by_role("link", name="Aufnahmen").click()
    alice.page.get_by_role("link", name="Stillair").click()
    alice.page.get_by_role("link", name="Hör den Unterschied").click()
    alice.page.get_by_role("button", name="Hörprobe abspielen").click()
    expect(alice.page.get_by_role("button", name="Hörprobe anhalten")).to_be_visible()
