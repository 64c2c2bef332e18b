"""JSON: who is logged in, register, log in, log out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from flask_wtf.csrf import generate_csrf

from webapp.accounts import accounts, sessions
from webapp.accounts.passwords import LEAST_LENGTH, MOST_LENGTH
from webapp.auth import registration
from webapp.core.errors import ApiError
from webapp.models import User
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Operation
from webapp.openapi.scopes import Scope

blueprint = Blueprint("api_session", __name__, url_prefix="/api")

USER = schemas.record({"username": schemas.USERNAME, "display_name": schemas.DISPLAY_NAME}, title="User")
CSRF_TOKEN = schemas.text("For the header X-CSRF-Token.")
SESSION = schemas.record({"user": schemas.or_null(USER), "csrf_token": CSRF_TOKEN}, title="Session")
NEW_PASSWORD = schemas.text("None that many people use.", least=LEAST_LENGTH, most=MOST_LENGTH)


@blueprint.get("/session")
@Operation("Who is asking", login=False, scope=Scope.READ, answers={200: SESSION}, about="`user`: null when nobody is logged in.")
def show() -> ResponseReturnValue:
    return _session(current_user if current_user.is_authenticated else None)


@blueprint.post("/register")
@Operation(
    "Make an account and log in",
    login=False,
    body=schemas.body(
        {"username": schemas.USERNAME, "password": NEW_PASSWORD},
        {"invite": schemas.text("What an invite link ends with.", most=128)},
    ),
    answers={201: SESSION},
    errors=(404, 409, 410, 429, 503),
)
def register() -> ResponseReturnValue:
    body = JsonBody.of_request()
    user = registration.register(
        body.text("username"),
        body.secret("password"),
        request.remote_addr or "",
        body.text("invite", default=""),
    )
    sessions.open_session(user)
    return _session(user), 201


@blueprint.post("/login")
@Operation(
    "Log in",
    login=False,
    body=schemas.body({"username": schemas.text(least=1, most=128), "password": schemas.text(least=1)}),
    answers={200: SESSION},
    errors=(401, 429, 503),
    about="For browsers and for scripts that keep cookies; others use an access token.",
)
def login() -> ResponseReturnValue:
    body = JsonBody.of_request()
    user = accounts.authenticate(body.text("username"), body.secret("password"), request.remote_addr or "")
    if user is None:
        raise ApiError(_("User name or password is wrong."), status=401, code="wrong_password")
    sessions.open_session(user)
    return _session(user)


@blueprint.post("/logout")
@login_required
@Operation("Log out", answers={204: None})
def logout() -> ResponseReturnValue:
    sessions.close_session()
    return "", 204


def _session(user: User | None) -> dict[str, Any]:
    shown = {"username": user.username, "display_name": user.display_name} if user else None
    return {"user": shown, "csrf_token": generate_csrf()}
