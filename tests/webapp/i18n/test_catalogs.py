"""Texts for people: each is in every catalogue, and none goes past them."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.pofile import read_po
from babel.support import NullTranslations
from flask_babel import Domain

from contract.messages import QUALITIES
from tests.webapp.test_access import MATRIX, World, made_world, world  # noqa: F401
from webapp.i18n import catalogs
from webapp.i18n.language import LANGUAGES, SOURCE
from webapp.openapi import scopes
from webapp.recordings import sharing

ROOT = Path(__file__).parents[3]
OTHERS = sorted(LANGUAGES.keys() - {SOURCE})
PLACEHOLDER = re.compile(r"%\(\w+\)\w|\{\w+\}")
COMMAND = "run: python -m webapp.i18n.catalogs"


@pytest.fixture(scope="module")
def extracted():
    return catalogs.extracted()


def keys(catalog) -> set[tuple[object, object]]:
    return {(message.context, message.id) for message in catalog if message.id}


def forms(text) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def test_every_language_has_a_catalogue_and_none_is_left_over():
    assert catalogs.languages() == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_text_and_nothing_else(extracted, language):
    found, wanted = keys(catalogs.read(language)), keys(extracted)
    assert found - wanted == set(), COMMAND
    assert wanted - found == set(), COMMAND


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_nothing_is_a_guess(language):
    with catalogs.path_of(language).open("rb") as file:
        catalog = read_po(file)
    assert [message.id for message in catalog if message.id and not catalogs.is_translated(message)] == []
    assert list(catalog.obsolete) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_values_of_its_text(language):
    for message in catalogs.read(language):
        if message.id:
            originals, translated = forms(message.id), forms(message.string)
            wanted = [sorted(PLACEHOLDER.findall(text)) for text in originals]
            for i, text in enumerate(translated):
                assert sorted(PLACEHOLDER.findall(text)) == wanted[min(i, len(wanted) - 1)], text


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_plain_text(language):
    """Templates put it into the page as it is, into attributes, too."""
    for message in catalogs.read(language):
        if message.id:
            assert not re.search(r'[<>&"]|%(?!\()', "".join((*forms(message.id), *forms(message.string)))), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_begins_and_ends_like_its_text(language):
    """Pieces that are put together keep the space between them, and a sentence its full stop."""

    def shape(text: str) -> tuple[bool, bool, bool]:
        return text.startswith(" "), text.endswith(" "), text.rstrip("“”„").endswith(".")

    for message in catalogs.read(language):
        if message.id:
            assert {shape(text) for text in forms(message.string)} == {shape(text) for text in forms(message.id)}, message.id


# --- Nothing goes past the catalogue

CALLS = {"_", "gettext", "ngettext", "pgettext", "npgettext", "lazy_gettext"}
ERRORS = {"ApiError", "BadRequest", "Forbidden", "NotFound", "Conflict", "Gone", "Invalid", "TooMany", "Busy", "field", "flash"}
NOT_FOR_PEOPLE = {"webapp/streams/webhook.py"}


def python_calls():
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        if str(path.relative_to(ROOT)) not in NOT_FOR_PEOPLE:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path.name, node, getattr(node.func, "id", getattr(node.func, "attr", ""))


def test_the_extraction_sees_every_call(extracted):
    """Also those where it cannot look: Babel reads no call inside of an f-string."""
    known = {text for _, found in keys(extracted) for text in forms(found)}
    for file, call, name in python_calls():
        if name in CALLS:
            texts = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            texts = texts[1:] if name in ("pgettext", "npgettext") else texts
            assert texts, f"{file}:{call.lineno} has no text that can be extracted"
            assert set(texts) <= known, f"{file}:{call.lineno}"


def test_every_error_and_message_in_python_is_translated():
    def has_words(node: ast.expr) -> bool:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        return any(isinstance(part, ast.Constant) and re.search(r"\w \w", str(part.value)) for part in parts)

    errors = ((file, call) for file, call, name in python_calls() if name in ERRORS)
    assert [f"{file}:{call.lineno}" for file, call in errors if any(map(has_words, call.args))] == []


def test_scripts_hand_people_no_plain_text():
    """What says, shows or labels something takes its words from `t`, `nt` or the page."""
    says = r'\bsay\(|\bfill\([^"`\n]*"\w+", |"aria-(?:label|valuetext)", |textContent = |new ApiError\(\d+, "\w+", '
    spoken = re.compile(f"""(?:{says})(["`])(.*?)\\1""")
    scripts = sorted((ROOT / "webapp" / "static" / "js").rglob("*.js"))
    assert len(scripts) > 20
    offenders = [
        f"{path.name}: {literal}"
        for path in scripts
        for _, literal in spoken.findall(path.read_text(encoding="utf-8"))
        if re.search(r"[^\W\d_]{2,}", re.sub(r"\$\{[^}]*\}|dB", "", literal))
    ]
    assert offenders == []


class Bracketed(NullTranslations):
    """A language in which every text stands in brackets, and the values in it do not."""

    def gettext(self, message):
        return f"⟦{PLACEHOLDER.sub(lambda found: f'⟧{found[0]}⟦', message)}⟧"

    def ngettext(self, one, other, count):
        return self.gettext(one if count == 1 else other)

    def pgettext(self, context, message):
        return self.gettext(message)

    ugettext, ungettext, upgettext = gettext, ngettext, pgettext


class BracketedDomain(Domain):
    def get_translations(self):
        return Bracketed()


class Seen(HTMLParser):
    """All that a page says to people in its own language: its text, and what assistive technology reads out of attributes."""

    SPOKEN = ("aria-label", "aria-valuetext", "placeholder", "title", "alt")
    SILENT = ("script", "style", "svg", "code")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent: list[str] = []  # the element that is passed over, and those of its name in it
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if self._silent:
            self._silent += [tag] * (tag == self._silent[0])
        elif tag in self.SILENT or (tag != "html" and "lang" in found):
            self._silent = [tag]
        else:
            self.parts += [found[name] for name in self.SPOKEN if found.get(name)]

    def handle_endtag(self, tag):
        if self._silent and tag == self._silent[0]:
            self._silent.pop()

    def handle_data(self, data):
        if not self._silent:
            self.parts.append(data)


NAMES = {
    "alice",
    "bob",
    "charlie",
    "pia",
    "eve",
    "adam",
    "dan",
    "mallory",
    "dede",
    "sue",
    "cora",
    "newcomer",
    "Somebody",
    "zz",
    "Morning",
    "show",
    "talk",
    "Good",
    "morning",
    "Hello",
    "New",
    "title",  # of the world and of MATRIX
    "Stillair",
    "dB",
    "kB",
    "MB",
    "GB",
    "openapi",
    "json",
    "Script",
    *scopes.Scope,
    "SQLite",
    *"audio-server noise-remover reconciler".replace("-", " ").split(),  # names of logs
    *sharing.AUDIENCES,
    *QUALITIES,
    "heart",
    "laugh",
    "thumbs",
    "up",
    "party",
    "popper",  # to who sends another one
    *(word for part in (Locale("en").months, Locale("en").days) for word in part["format"]["wide"].values()),
}


def past_the_catalogue(text: str) -> set[str]:
    """Words of more than a letter (of a face, or a time's s) that stand in no brackets and are no names."""
    return set(re.findall(r"[^\W\d_]{2,}", re.sub(r"⟦[^⟧]*⟧", " ", text))) - NAMES


def test_a_bracketed_text_leaves_its_values_outside():
    text = Bracketed().gettext("You and %(name)s are friends now.") % {"name": "zoe"}
    assert text == "⟦You and ⟧zoe⟦ are friends now.⟧"
    assert past_the_catalogue(f"{text} Saved") == {"zoe", "Saved"}


@pytest.fixture(scope="module")
def calm_world(made_world: World) -> World:  # noqa: F811
    """What was flashed while it was made has been read."""
    for role, person in made_world.people.items():
        person.client._cookies = dict(made_world.cookies[role])
        person.get("/")
        made_world.cookies[role] = dict(person.client._cookies)
    return made_world


@pytest.fixture
def bracketed_world(calm_world: World, world: World, monkeypatch: pytest.MonkeyPatch) -> World:  # noqa: F811
    monkeypatch.setattr(world.app.extensions["babel"].instance, "domain_instance", BracketedDomain())
    return world


PAGES = {endpoint: line for endpoint, line in MATRIX.items() if endpoint.startswith("pages_")}
MORE_PAGES = (
    "/search?q=a",
    "/search?q=zz",
    "/search?q=alice",
    "/recordings/?q=zz",
    "/recordings/friends?q=zz",
    "/recordings/?order=title",
    "/recordings/friends?before=x",
    "/nowhere",
    "/invite/unknown",
)


@pytest.mark.parametrize("role", ["anonymous", "stranger", "owner", "friend", "pending", "admin"])
def test_pages_hold_no_text_that_is_not_in_the_catalogue(bracketed_world, role):
    person = bracketed_world.people[role]
    person.client._cookies = dict(bracketed_world.cookies[role])
    paths = [line.path.format(**bracketed_world.ids) for line in PAGES.values() if line.method == "GET"]
    seen = 0
    for path in (*paths, *MORE_PAGES):
        answer = person.get(path)
        if answer.mimetype in ("text/html", "text/vnd.turbo-stream.html") and not answer.location:
            assert past_the_catalogue("\n".join(Seen(answer.text).parts)) == set(), path
            seen += 1
        answer.close()
    assert seen > 5


FORMS = {endpoint: line for endpoint, line in PAGES.items() if line.method == "POST"}


@pytest.mark.parametrize("sent", ["right", "nothing"])
def test_forms_are_answered_in_no_text_that_is_not_in_the_catalogue(bracketed_world, sent):
    for endpoint, line in FORMS.items():
        bracketed_world.restore()
        role = next((role for role in ("owner", "admin", "friend", "pending") if line.statuses[role] == 303), "owner")
        person = bracketed_world.people[role]
        person.client._cookies = dict(bracketed_world.cookies[role])
        fields = line.sent if sent == "right" else {"data": {}}
        bracketed_world.changes.append(endpoint)
        answer = person.request("POST", line.path.format(**bracketed_world.ids), **fields)
        while answer.location:
            answer = person.get(answer.location)
        if answer.mimetype == "text/html":
            assert past_the_catalogue("\n".join(Seen(answer.text).parts)) == set(), endpoint
        answer.close()


CALLS_TO_THE_API = {name: line for name, line in MATRIX.items() if name.startswith("api_") and line.method != "GET"}


@pytest.mark.parametrize("body", [{}, {"title": 7, "username": 7, "password": 7, "audience": 7, "start": "x", "position": "x"}])
def test_the_api_refuses_in_no_text_that_is_not_in_the_catalogue(bracketed_world, body):
    person = bracketed_world.people["owner"]
    for name, line in CALLS_TO_THE_API.items():
        person.client._cookies = dict(bracketed_world.cookies["owner"])
        answer = person.request(line.method, line.path.format(**bracketed_world.ids), json=body)
        error = (answer.json or {}).get("error") if answer.is_json else None
        if error:
            assert "⟦" in error["message"], (name, error)
            assert all("⟦" in problem for problem in error.get("fields", {}).values()), (name, error)
