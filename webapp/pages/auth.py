"""Register, log in, log out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import accounts
from webapp.errors import ApiError
from webapp.models import User
from webapp.security import local_path

blueprint = Blueprint("pages_auth", __name__)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    return _away() if current_user.is_authenticated else render_template("auth/login.html", problem="")


@blueprint.post("/login")
def check_login() -> ResponseReturnValue:
    try:
        user = accounts.authenticate(*_name_and_password(), request.remote_addr or "")
    except ApiError as error:
        return render_template("auth/login.html", problem=error.message), error.status
    if user is None:
        return render_template("auth/login.html", problem="User name and password do not match. Try again."), 401
    return _enter(user)


@blueprint.get("/register")
def register() -> ResponseReturnValue:
    return _away() if current_user.is_authenticated else render_template("auth/register.html", problems={})


@blueprint.post("/register")
def create_account() -> ResponseReturnValue:
    try:
        user = accounts.register(*_name_and_password())
    except ApiError as error:
        return render_template("auth/register.html", problems=error.fields or {"username": error.message}), error.status
    return _enter(user)


@blueprint.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    accounts.close_session()
    return redirect(url_for("pages_auth.login"), 303)


def _name_and_password() -> tuple[str, str]:
    return request.form.get("username", ""), request.form.get("password", "")


def _enter(user: User) -> ResponseReturnValue:
    accounts.open_session(user)
    return _away()


def _away() -> ResponseReturnValue:
    return redirect(local_path(request.args.get("next")), 303)
