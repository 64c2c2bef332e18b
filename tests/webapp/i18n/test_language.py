"""Who reads in which language."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask_babel import gettext

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.i18n import language
from webapp.models import now
from webapp.ui import formatting

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def choose(person, name, **headers):
    return person.client.post("/settings/language", data={"csrf_token": person.csrf_token, "language": name}, headers=headers)


@pytest.mark.parametrize(
    ("asked", "name", "heading"),
    [
        ("de", "de", "Anmelden"),
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Anmelden"),
        ("en-US,en;q=0.9,de;q=0.8", "en", "Log in"),
        ("fr", "en", "Log in"),
        ("fr,de;q=0.3", "de", "Anmelden"),
        ("", "en", "Log in"),
        ("*", "en", "Log in"),
        ("de;q=x, ;;,, \u00fc", "en", "Log in"),
        ("de" * 5000, "en", "Log in"),
    ],
)
def test_a_visitor_reads_in_the_language_of_the_browser(anonymous, alice, asked, name, heading):
    answer = anonymous.get("/login", headers={"Accept-Language": asked})
    assert f'<html lang="{name}">' in answer.text
    assert f">{heading}</h2>" in answer.text
    assert answer.headers["Content-Language"] == name
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)


def test_the_setting_comes_before_the_browser(alice):
    assert re.search(r"Recording\s*</a>", alice.get("/settings/").text)
    assert choose(alice, "de").status_code == 303
    page = alice.get("/settings/language", headers={"Accept-Language": "en"})
    assert "Gespeichert." in page.text
    assert '<html lang="de">' in page.text
    assert re.search(r'value="de" checked>\s*<span lang="de">Deutsch', page.text)
    choose(alice, "en")
    assert '<html lang="en">' in alice.get("/", headers=GERMAN).text
    choose(alice, "")
    assert '<html lang="de">' in alice.get("/", headers=GERMAN).text


@pytest.mark.parametrize("name", ["fr", "DE", "de-AT", "../de", "\0", "d" * 10_000])
def test_a_language_that_is_none_of_ours_is_refused(alice, name):
    assert choose(alice, name).status_code == 422
    assert '<html lang="en">' in alice.get("/").text


def test_the_api_refuses_in_the_language_of_the_browser(anonymous):
    answer = anonymous.get("/api/friends", headers=GERMAN)
    assert answer.json["error"] == {"code": "not_logged_in", "message": "Melde dich zuerst an."}


def test_a_page_that_breaks_before_anybody_is_known_has_a_language(app, anonymous):
    app.testing = False
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE login_session RENAME TO gone"))
        db.session.commit()
    anonymous.client.set_cookie("stillair_8000", "x")
    with anonymous.client.session_transaction() as session:
        session["_user_id"] = "somebody"
    answer = anonymous.get("/", headers=GERMAN)
    assert answer.status_code == 500
    assert "<html lang=de><title>Stillair</title><h1>Bei uns ist etwas schiefgegangen." in answer.text


def test_what_is_written_to_somebody_is_in_their_language(app, alice, bob):
    choose(alice, "de")
    with app.app_context():
        people = [accounts.find("alice"), accounts.find("bob")]
        said = []
        for person in people:
            with language.in_language_of(person):
                said.append(gettext("Log in first."))
        assert [*said, gettext("Log in first.")] == ["Melde dich zuerst an.", "Log in first.", "Log in first."]


def test_who_has_chosen_no_language_is_written_to_in_that_of_the_last_log_in(app, visit, alice):
    browser = visit("alice")
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    browser.log_in()
    with app.app_context(), language.in_language_of(accounts.find("alice")):
        assert gettext("Log in first.") == "Melde dich zuerst an."


# --- The words of scripts


def script_words(page: str):
    found = re.search(r'<script type="application/json" id="script-words" data-turbo-track="reload">(.*?)</script>', page)
    return found and json.loads(found[1])


def test_a_page_brings_the_words_of_its_scripts(anonymous):
    brought = script_words(anonymous.get("/difference/", headers=GERMAN).text)
    assert brought["Pause"] == "Anhalten"
    assert brought["{count} hour"] == {"one": "{count} Stunde", "other": "{count} Stunden"}
    assert "Log in first." not in brought  # which only the server says


def test_an_english_page_needs_none(anonymous):
    assert script_words(anonymous.get("/difference/").text) is None


# --- Dates and numbers


@pytest.fixture
def in_german(app):
    with app.test_request_context(headers=GERMAN):
        yield


@pytest.mark.parametrize(
    ("days", "day", "last"),
    [
        (0, "heute, 12:00", "heute"),
        (1, "gestern", "gestern"),
        (2, "Sonntag", "am Sonntag"),
        (8, "9. Februar", "letzte Woche"),
        (20, "28. Januar", "vor 2 Wochen"),
        (100, "9. November", "im November"),
        (400, "13. Januar 2025", "im Januar 2025"),
    ],
)
def test_days_in_german(in_german, monkeypatch, days, day, last):
    noon = datetime(2026, 2, 17, 12, tzinfo=UTC)  # a Tuesday
    monkeypatch.setattr(formatting, "now", lambda: noon)
    assert formatting.day(noon - timedelta(days=days)) == day
    assert formatting.last(noon - timedelta(days=days)) == last


def test_numbers_in_german(in_german):
    assert [formatting.size(count) for count in (0, 1_000_000, 3_100_000_000)] == ["0 kB", "1,0 MB", "3,1 GB"]
    assert formatting.minutes_since(now() - timedelta(minutes=125)) == "2 h 5 min"


def test_why_a_recording_has_a_gap_is_translated_and_what_is_unknown_is_shown_as_it_is(in_german):
    assert [formatting.cause(text) for text in ("connection", "of tomorrow")] == ["Verbindung", "of tomorrow"]
