"""The language of a page and its messages. Texts are written in English, in the code: `_("...")` in templates and in Python
(`from flask_babel import gettext as _`), `t("...")` in static/js/words.js."""

from __future__ import annotations

from babel import Locale
from flask import Flask
from flask_babel import Babel, get_locale

LANGUAGES = ("en",)


def init_app(app: Flask) -> None:
    Babel(app, default_locale=LANGUAGES[0], locale_selector=lambda: LANGUAGES[0])      # type: ignore[no-untyped-call]


def formats() -> Locale:
    """How dates and numbers are written: English ones with the day before the month, as our texts have them."""
    locale = get_locale()
    return Locale("en", "GB") if locale is None or locale.language == "en" else locale
