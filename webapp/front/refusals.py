"""What the server itself says when there is too much to do: made beforehand by Flask, because it is sent without asking Flask."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from flask_babel import gettext as _
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from webapp.core import errors
from webapp.core.errors import Busy
from webapp.front.wsgi import Answer, Headers, Scope
from webapp.i18n.language import LANGUAGES, SOURCE

RETRY_AFTER_S = 10
API = "/api/"
PATHS = (f"{API}-", "/")


@dataclass(frozen=True)
class Refusal:
    headers: Headers
    body: bytes


class Refusals:
    def __init__(self, app: Flask) -> None:
        self._made = {(language, path): _made(app, language, path) for language in LANGUAGES for path in PATHS}

    def busy(self, scope: Scope) -> Answer:
        """Answer that there is too much to do, and that nothing was changed."""
        asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"), "")
        language = parse_accept_header(asked, LanguageAccept).best_match(LANGUAGES, SOURCE)
        found = self._made[language, PATHS[0] if scope["path"].startswith(API) else PATHS[1]]
        return Answer(503, list(found.headers), [found.body])


def _made(app: Flask, language: str, path: str) -> Refusal:
    with app.test_request_context(path, headers={"Accept-Language": language}):
        message = _("The server is too busy right now. Nothing was changed. Try again in %(count)d seconds.", count=RETRY_AFTER_S)
        response = app.process_response(errors.answer(Busy(message, retry_after_s=RETRY_AFTER_S)))
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return Refusal(headers, response.get_data())
