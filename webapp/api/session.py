"""JSON: who is logged in, register, log in, log out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from flask_wtf.csrf import generate_csrf

from webapp import accounts, registration
from webapp.errors import ApiError
from webapp.json_body import JsonBody
from webapp.models import User

blueprint = Blueprint("api_session", __name__, url_prefix="/api")


@blueprint.get("/session")
def show() -> ResponseReturnValue:
    return _session(current_user if current_user.is_authenticated else None)


@blueprint.post("/register")
def register() -> ResponseReturnValue:
    body = JsonBody.of_request()
    user = registration.register(
        body.text("username"), body.secret("password"), request.remote_addr or "", body.text("invite", default=""),
    )
    accounts.open_session(user)
    return _session(user), 201


@blueprint.post("/login")
def login() -> ResponseReturnValue:
    body = JsonBody.of_request()
    user = accounts.authenticate(body.text("username"), body.secret("password"), request.remote_addr or "")
    if user is None:
        raise ApiError(_("User name or password is wrong."), status=401, code="wrong_password")
    accounts.open_session(user)
    return _session(user)


@blueprint.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    accounts.close_session()
    return "", 204


def _session(user: User | None) -> dict[str, Any]:
    shown = {"username": user.username, "display_name": user.display_name} if user else None
    return {"user": shown, "csrf_token": generate_csrf()}
