"""Answers for everything that is refused or fails.

    ApiError
    +-- BadRequest   400  the body cannot be read
    +-- NotLoggedIn  401
    +-- Forbidden    403  logged in or not makes no difference
    |   +-- ConfirmationRequired  first show that it is you
    |   +-- SecondFactorRequired  of an admin, who has none
    +-- NotFound     404  not there, or not yours: nobody can tell which
    +-- Conflict     409
    +-- Gone         410  it was there once
    +-- Invalid      422  a field is wrong
    +-- TooMany      429  with Retry-After
    +-- Busy         503  with Retry-After

Domain modules raise them. Programs are answered with JSON (docs/api.md), people with a page; webapp.core.forms shows the
`fields` in the form again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import cast

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from werkzeug.exceptions import HTTPException, SecurityError

from webapp.core.database import db

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An expected failure.

    `message` tells people what happened and one next step; `fields` maps a field's name to what is wrong with it.
    """

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        fields: Mapping[str, str] | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        self.status = status or self.status
        self.code = code or self.code
        self.retry_after_s = retry_after_s
        self.extra = dict(extra or {})  # stands beside "error" in the answer: the running stream of a 409


class BadRequest(ApiError):
    status, code = 400, "bad_request"


class NotLoggedIn(ApiError):
    status, code = 401, "not_logged_in"

    def __init__(self) -> None:
        super().__init__(_("Log in first."))


class Forbidden(ApiError):
    status, code = 403, "forbidden"


class ConfirmationRequired(Forbidden):
    """The person has to show that it is them (webapp.factors.confirmation).

    `methods` are those that they have, `problem` is why a try did not count, and `back` is where somebody is led who has opened a
    link and confirms; without it to that link.
    """

    code = "confirmation_required"

    def __init__(self, methods: Iterable[str], *, problem: ApiError | None = None, back: str = "") -> None:
        super().__init__(_("Confirm with your password or your second factor first."))
        if problem is not None:
            self.fields = problem.fields or {"password": problem.message}
            self.status, self.retry_after_s = problem.status, problem.retry_after_s
        self.methods, self.back = list(methods), back


class SecondFactorRequired(Forbidden):
    """An admin has to set a second factor up first (webapp.factors.requirement)."""

    code = "second_factor_setup_required"

    def __init__(self) -> None:
        super().__init__(_("Set up a second factor first."))


class NotFound(ApiError):
    status, code = 404, "not_found"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("There is nothing here, or it is not yours."))


class Conflict(ApiError):
    status, code = 409, "conflict"


class Gone(ApiError):
    status, code = 410, "gone"


class Invalid(ApiError):
    """A field is wrong. `Invalid.field(name, problem)` serves the usual case of a single one."""

    status, code = 422, "invalid"

    @classmethod
    def field(cls, name: str, problem: str) -> Invalid:
        return cls(problem, {name: problem})

    @classmethod
    def choice(cls, name: str, choices: Iterable[str]) -> Invalid:
        return cls.field(name, _("This must be %(choices)s.", choices=_(" or ").join(choices)))


class TooMany(ApiError):
    status, code = 429, "too_many"


class Busy(ApiError):
    status, code = 503, "busy"


# Messages for errors that Flask raises itself; its own texts speak of servers and URLs.
HTTP_ERRORS: Mapping[int, tuple[str, LazyString]] = {
    400: ("bad_request", lazy_gettext("The request could not be read.")),
    403: ("forbidden", lazy_gettext("This is not allowed.")),
    404: ("not_found", lazy_gettext("There is nothing here, or it is not yours.")),
    405: ("method_not_allowed", lazy_gettext("This address does not accept this kind of request.")),
    413: ("too_large", lazy_gettext("This is too large.")),
    415: ("bad_request", lazy_gettext("Send JSON.")),
    416: ("range", lazy_gettext("The recording is not that long.")),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(ApiError, answer)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def wants_json() -> bool:
    """Return whether a program is asking: on every blueprint but those of pages. Without a blueprint the path decides."""
    if request.blueprint is None:
        return request.path.startswith("/api/")
    return not request.blueprint.startswith("pages_")


def answer(error: ApiError) -> Response:
    """Answer the current request with an error.

    A blueprint whose own handler leaves an error to this one calls it: raising again inside a handler would end as 500.
    """
    db.session.rollback()  # whatever was half done; the page for the error reads from the database too
    if not wants_json() and (target := _leads_to(error)):
        return cast("Response", redirect(target, Response=Response))
    response = _json(error) if wants_json() else _page(error)
    response.status_code = error.status
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _leads_to(error: ApiError) -> str | None:
    """Return the page on which a person can do something about the error, if it is another one. It leads back afterwards."""
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    if isinstance(error, NotLoggedIn):
        return url_for("pages_auth.login", next=here)
    if isinstance(error, SecondFactorRequired):
        return url_for("pages_factors.index")
    if isinstance(error, ConfirmationRequired) and here:  # a form is asked for it in place, or it would be lost
        return url_for("pages_confirmation.ask", next=error.back or here)
    return None


def _json(error: ApiError) -> Response:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.fields:
        body["fields"] = error.fields
    return jsonify(error=body, **error.extra)


def _page(error: ApiError) -> Response:
    """Return the page for an error: a bare one where the layout cannot work, without a known host name or after a failure of our
    own.
    """
    if error.status >= 500 or isinstance(request.routing_exception, SecurityError):
        return Response(f"<!doctype html><html lang={get_locale()}><title>Stillair</title><h1>{escape(error.message)}</h1>")
    template = "factors/confirm.html" if isinstance(error, ConfirmationRequired) else "error.html"
    return Response(render_template(template, error=error))


def _csrf_error(error: CSRFError) -> ResponseReturnValue:
    message = _("This page is out of date or came from another site. Nothing was changed. Reload it and try again.")
    return answer(ApiError(message, status=403, code="csrf"))


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:  # a redirect that the router asks for
        return error
    code, text = HTTP_ERRORS.get(status, ("error", lazy_gettext("This did not work.")))
    message = str(text)
    if isinstance(error, SecurityError):
        message = _("This server does not answer to that name. Its admin can add it to STILLAIR_TRUSTED_HOSTS.")
    response = answer(ApiError(message, status=status, code=code))
    for name, value in error.get_headers():
        if name in ("Allow", "Content-Range"):
            response.headers[name] = value
    return response


def _unexpected_error(error: Exception) -> ResponseReturnValue:
    log.error("request failed", exc_info=error, extra={"endpoint": request.endpoint, "method": request.method})
    return answer(ApiError(_("Something went wrong on our side. Try again."), status=500, code="internal"))
