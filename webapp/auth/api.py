"""JSON: who is logged in, register, log in, log out."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from pydantic import Field
from typing_extensions import TypedDict

from webapp.accounts import accounts, sessions
from webapp.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from webapp.auth import registration
from webapp.core.errors import ApiError, Invalid
from webapp.factors import second_factor
from webapp.models import User as Account
from webapp.openapi.operations import operation
from webapp.openapi.schemas import CLEAN, USERNAME_PATTERN, Body, DisplayName, Username, checked_later
from webapp.openapi.scopes import Scope

blueprint = Blueprint("api_session", __name__, url_prefix="/api")


class User(TypedDict):
    username: Username
    display_name: DisplayName


class Session(TypedDict):
    user: User | None
    csrf_token: Annotated[str, Field(description="For the header X-CSRF-Token.")]


CHOSEN_NAME = checked_later("A user name.", pattern=USERNAME_PATTERN, examples=["alice"])
CHOSEN_PASSWORD = checked_later("Not a commonly used password.", minLength=MIN_LENGTH, maxLength=MAX_LENGTH)


class Registration(Body):
    username: Annotated[str, CHOSEN_NAME, Field(min_length=1, max_length=128), CLEAN]
    password: Annotated[str, CHOSEN_PASSWORD, Field(min_length=1)]
    invite: Annotated[str, Field(description="What an invite link ends with.", max_length=128), CLEAN] = ""
    set_up: Annotated[str, Field(description="What a set-up link ends with, for the first account.", max_length=128), CLEAN] = ""


class Login(Body):
    username: Annotated[str, Field(min_length=1, max_length=128), CLEAN]
    password: Annotated[str, Field(min_length=1)]
    code: Annotated[str, Field(description="Of the authenticator app, or a recovery code.", max_length=64), CLEAN] = ""


@blueprint.get("/session")
@operation(login=False, scope=Scope.READ)
def show() -> Session:
    """Who is asking.

    `user`: null when nobody is logged in.
    """
    return _session(current_user if current_user.is_authenticated else None)


@blueprint.post("/register")
@operation(login=False, status=201, errors=(404, 409, 410, 429, 503))
def register(body: Registration) -> Session:
    """Make an account and log in."""
    user = registration.register(body.username, body.password, request.remote_addr or "", body.invite, body.set_up)
    sessions.open_session(user, is_new_account=True)
    return _session(user)


@blueprint.post("/login")
@operation(login=False, errors=(401, 429, 503))
def login(body: Login) -> Session:
    """Log in.

    For browsers and for scripts that keep cookies; others use an access token. For somebody with a second factor 401 has the code
    `second_factor_required`: send the same again with `code`. A wrong one is answered with 401 and `wrong_code`.
    """
    user = accounts.authenticate(body.username, body.password, request.remote_addr or "")
    if user is None:
        raise ApiError(_("The user name or password is wrong."), status=401, code="wrong_password")
    if second_factor.is_on(user):
        _check_code(user, body.code)
    sessions.open_session(user)
    return _session(user)


def _check_code(user: Account, code: str) -> None:
    if not code:
        raise ApiError(_("Type the code of your second factor, too."), status=401, code="second_factor_required")
    try:
        second_factor.take_second_step(user, code)
    except Invalid as error:
        raise ApiError(error.message, status=401, code="wrong_code") from error


@blueprint.post("/logout")
@operation()
def logout() -> None:
    """Log out."""
    sessions.close_session()


def _session(user: Account | None) -> Session:
    shown: User | None = {"username": user.username, "display_name": user.display_name} if user else None
    return {"user": shown, "csrf_token": generate_csrf()}
