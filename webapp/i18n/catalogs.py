"""Reads the translations of all texts for people: <language>/LC_MESSAGES/messages.po, at start.

`python -m webapp.i18n` looks through the code for texts and brings these files up to date: new ones are there without a
translation, what is gone is gone, and what has changed is marked as fuzzy. tests/webapp/i18n/test_catalogs.py wants neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog, Message, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.support import NullTranslations, Translations
from flask_babel import Domain, get_locale

FOLDER = Path(__file__).parent
WEBAPP = FOLDER.parent
KINDS = [
    ("static/vendor/**", "ignore"),
    ("migrations/**", "ignore"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("static/js/**.js", "javascript"),
]
KEYWORDS = {**extract.DEFAULT_KEYWORDS, "lazy_gettext": None, "t": None, "nt": (1, 2)}
LINE_LENGTH = 120
UNTRANSLATED = NullTranslations()


def path_of(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


class Messages(Domain):
    """Serves Flask-Babel, which would look for compiled files itself; after `git clone` nobody has made any."""

    def __init__(self, *languages: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.languages = {language: _compiled(language) for language in languages}
        self.of_scripts = {language: _of_scripts(language) for language in languages}

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return self.languages.get(locale.language if locale else "") or UNTRANSLATED


@cache
def _compiled(language: str) -> Translations:
    file = BytesIO()
    write_mo(file, read(language))
    file.seek(0)
    return Translations(file)


@cache
def _of_scripts(language: str) -> Mapping[str, str | dict[str, str]]:
    catalog = read(language)
    forms = [*sorted(Locale.parse(language).plural_form.tags, key=CLDR_FORMS.index), "other"]
    found: dict[str, str | dict[str, str]] = {}
    for message in catalog:
        if not is_translated(message) or not any(str(file).endswith(".js") for file, _ in message.locations):
            continue
        if isinstance(message.id, str):
            found[message.id] = str(message.string)
        else:
            found[message.id[0]] = dict(zip(forms, message.string or (), strict=True))
    return found


CLDR_FORMS = ("zero", "one", "two", "few", "many", "other")


# --- For maintainers


def extracted() -> Catalog:
    """Return every text for people in the code."""
    catalog = Catalog()
    for file, line, text, comments, context in extract.extract_from_dir(str(WEBAPP), KINDS, {}, KEYWORDS):
        catalog.add(text, None, [(f"webapp/{file}", line)], auto_comments=comments, context=context)
    return catalog


def update(language: str) -> Catalog:
    """Return the catalogue as it should be. Without changes in the code it is what it was, to the byte."""
    catalog = read(language)
    created = catalog.creation_date
    catalog.update(extracted())
    catalog.creation_date = created
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalog, width=LINE_LENGTH, include_lineno=False, ignore_obsolete=True)
    return file.getvalue().lstrip(b"\n")


def is_translated(message: Message) -> bool:
    """Return whether the message has a translation that can be shown. The head of the file counts as none."""
    return bool(message.id and message.string and all(message.string)) and not message.fuzzy


def languages() -> list[str]:
    """Return the languages that have a catalogue."""
    return sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))
