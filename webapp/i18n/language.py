"""Decides who reads Stillair in which language: the one chosen in the settings, else what the browser asks for.

Texts are written in English, in the code: `_("...")` in templates and in Python (`from flask_babel import gettext as _`),
`t("...")` in JavaScript (static/js/lib/words.js). webapp.i18n.catalogs knows their translations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import flask_babel
from babel import Locale
from flask import Flask, Response, current_app, has_request_context, request
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.i18n.catalogs import Messages
from webapp.models import User

LANGUAGES = {"en": "English", "de": "Deutsch"}  # as those call it who speak it
SOURCE = "en"
BRITISH = Locale("en", "GB")
PAGES = frozenset({"text/html", "text/vnd.turbo-stream.html"})


def init_app(app: Flask) -> None:
    babel = flask_babel.Babel(app, default_locale=SOURCE, locale_selector=_wanted)  # type: ignore[no-untyped-call]
    babel.domain_instance = app.extensions["messages"] = Messages(*(LANGUAGES.keys() - {SOURCE}))
    app.jinja_env.globals.update(language=current, script_words=script_words, **_words_of_templates(babel))
    app.after_request(_tell)


def current() -> str:
    """Return the language of this request, or of `in_language_of`."""
    locale = flask_babel.get_locale()
    return locale.language if locale else SOURCE


def _words_of_templates(babel: flask_babel.Babel) -> Mapping[str, Callable[..., Markup]]:
    """Return `_` and its sisters for templates. A page asks hundreds of times, so they go straight to the catalogue.

    Those that Flask-Babel gives to templates look for the domain and take three turns through Jinja's context each time.
    """

    def gettext(text: str, **values: object) -> Markup:
        return _filled(babel.domain_instance.get_translations().ugettext(text), values)

    def ngettext(singular: str, plural: str, num: int, **values: object) -> Markup:
        text = babel.domain_instance.get_translations().ungettext(singular, plural, num)
        return _filled(text, {"num": num, **values})

    def pgettext(context: str, text: str, **values: object) -> Markup:
        return _filled(babel.domain_instance.get_translations().upgettext(context, text), values)

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "pgettext": pgettext}


def _filled(text: str, values: Mapping[str, object]) -> Markup:
    """Put values into a text of ours; what is not markup is escaped."""
    safe = {name: value if isinstance(value, int | float) else escape(value) for name, value in values.items()}
    return Markup(text % safe if safe else text)  # noqa: S704


def script_words() -> Mapping[str, str | dict[str, str]]:
    """Return the texts of static/js/lib/words.js in the language of this request; none in English."""
    messages: Messages = current_app.extensions["messages"]
    return messages.of_scripts.get(current(), {})


def of_browser() -> str:
    return request.accept_languages.best_match(LANGUAGES, SOURCE)


def choose(user: User, language: str) -> None:
    """Set the person's language; "" follows the browser. Raises Invalid."""
    if language and language not in LANGUAGES:
        raise Invalid.field("language", _("Choose one of these languages."))
    user.language = language or None
    db.session.commit()
    flask_babel.refresh()  # type: ignore[no-untyped-call]


@contextmanager
def in_language_of(user: User) -> Iterator[None]:
    """Write in the language of the user's setting or last log-in, for what they did not just ask for."""
    with flask_babel.force_locale(user.language or user.browser_language or SOURCE):
        yield


def formats() -> Locale:
    """Return the locale for dates and numbers. English dates have the day before the month, as our texts do."""
    locale = flask_babel.get_locale()
    return BRITISH if locale is None or locale.language == SOURCE else locale


def _wanted() -> str:
    if not has_request_context():
        return SOURCE
    return _chosen() or of_browser()


def _chosen() -> str | None:
    try:
        return current_user.language if current_user.is_authenticated else None
    except SQLAlchemyError:  # the page that tells of it needs a language all the same
        return None


def _tell(response: Response) -> Response:
    if response.mimetype in PAGES:
        response.content_language.add(current())
        response.vary.update(("Accept-Language", "Cookie"))
    return response
