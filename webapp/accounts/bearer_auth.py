"""Authenticates requests that carry an access token (webapp.accounts.access_tokens) in `Authorization: Bearer`.

A token counts only for routes whose `@operation` names a scope. A route that forgets to say so is closed to it, and so is every
page. It never counts beside a cookie: then the request is a browser's and must bring what a browser must bring. Without a cookie
no other site can have made a browser send the request, so it needs no CSRF token (webapp.core.extensions).
"""

from __future__ import annotations

from flask import Flask, Request, Response, current_app, g, request, session
from flask_babel import gettext as _

from webapp.accounts import access_tokens
from webapp.core.errors import ApiError, Forbidden
from webapp.core.extensions import login_manager
from webapp.models import User
from webapp.openapi import operations
from webapp.security.addresses import network_of


def init_app(app: Flask) -> None:
    app.before_request(_check)
    app.after_request(_answer)


def _check() -> None:
    """Note the token of the request in `g`. Raises ApiError for one that does not count."""
    operation = operations.operation_of(current_app, request.endpoint)
    given = request.authorization
    if operation is None or operation.scope is None or given is None or given.type != "bearer" or _has_cookie():
        return
    token = access_tokens.find(given.token or "")
    if token is None:
        raise ApiError(_("This access token is unknown or has expired."), status=401, code="bad_token")
    if operation.scope not in access_tokens.scopes_of(token):
        raise Forbidden(_("This access token does not have the scope %(scope)s.", scope=operation.scope), code="scope")
    access_tokens.record_use(token, network_of(request.remote_addr or ""))
    g.access_token = token


def _has_cookie() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


@login_manager.request_loader
def load_user(_request: Request) -> User | None:
    """Return the owner of the token. Flask-Login calls this when no cookie says who it is."""
    if "access_token" not in g:
        return None
    user: User = g.access_token.user
    user.session_token = (request.authorization and request.authorization.token) or ""
    return user


def _answer(response: Response) -> Response:
    if "access_token" in g:
        session.clear()  # a cookie would come back with the next request, and then the token would not count
        session.modified = False
    if response.status_code == 401 and response.is_json:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
