"""The language of a page and its messages. Texts are written in English, in the code: `_("...")` in templates and in Python
(`from flask_babel import gettext as _`), `t("...")` in static/js/words.js."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel

LANGUAGES = ("en",)


def init_app(app: Flask) -> None:
    Babel(app, default_locale=LANGUAGES[0], locale_selector=lambda: LANGUAGES[0])
