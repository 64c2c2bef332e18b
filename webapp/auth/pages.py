"""Serves the pages to register, log in, with a second step for those who have a second factor, and log out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import accounts, sessions
from webapp.auth import invites, registration, set_up
from webapp.core.errors import ApiError
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.factors import passkeys, second_factor, second_step
from webapp.friends import relations
from webapp.models import User
from webapp.security.headers import local_path

blueprint = Blueprint("pages_auth", __name__)


def _login(problems: Problems = NO_PROBLEMS) -> str:
    return render_template("auth/login.html", problems=problems)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    if set_up.is_first():
        return redirect(url_for("pages_auth.register"), 303)
    return _away() if current_user.is_authenticated else _login()


@blueprint.post("/login")
@form_errors(_login, "password")
def check_login() -> ResponseReturnValue:
    user = accounts.authenticate(*_name_and_password(), request.remote_addr or "")
    if user is None:
        raise ApiError(_("User name and password do not match. Try again."), status=401)
    if not second_factor.is_on(user):
        return _enter(user)
    second_step.begin(user)
    return redirect(url_for("pages_auth.second_step_form", next=request.args.get("next")), 303)


@blueprint.post("/login/passkey")
@form_errors(_login, "passkey")
def log_in_by_passkey() -> ResponseReturnValue:
    """Log in with what the script has put into the form. A passkey is two factors, so it needs no second step."""
    return _enter(passkeys.accept(request.form.get("passkey", "")))


@blueprint.get("/login/second-step")
def second_step_form(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    """Ask for the second factor of whoever has shown the password."""
    person = second_step.person()
    if person is None:
        return redirect(url_for("pages_auth.login", next=request.args.get("next")), 303)
    factors = second_factor.factors_of(person)
    return render_template("auth/second_step.html", person=person, factors=factors, problem=problems.get("code", ""))


@blueprint.post("/login/second-step")
@form_errors(second_step_form, "code")
def take_second_step() -> ResponseReturnValue:
    person = second_step.person()
    if person is None:
        return second_step_form()
    second_factor.take_second_step(person, request.form.get("code", ""))
    return _enter(person)


def _registration(problems: Problems = NO_PROBLEMS) -> str:
    """Return the form, or why there is none. Raises NotFound and Gone for an invite link that does not work."""
    invite_id = request.args.get("invite", "")
    return render_template(
        "auth/register.html",
        invite=invites.invite_for_guest(invite_id) if invite_id else None,
        refused=registration.refusal(invite_id, request.args.get("set_up", "")),
        first=set_up.is_first(),
        problems=problems,
    )


@blueprint.get("/register")
def register() -> ResponseReturnValue:
    return _away() if current_user.is_authenticated else _registration()


@blueprint.post("/register")
@form_errors(_registration)
def create_account() -> ResponseReturnValue:
    invite_id = request.args.get("invite", "")
    set_up_token = request.args.get("set_up", "")
    user = registration.register(*_name_and_password(), request.remote_addr or "", invite_id, set_up_token)
    sessions.open_session(user, is_new_account=True)
    if invite_id:
        flash(_("Welcome. You and %(name)s are friends now.", name=relations.friends_of(user)[0].display_name))
    return _away()


@blueprint.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    sessions.close_session()
    return redirect(url_for("pages_auth.login"), 303)


def _name_and_password() -> tuple[str, str]:
    return request.form.get("username", ""), request.form.get("password", "")


def _enter(user: User) -> ResponseReturnValue:
    sessions.open_session(user)
    return _away()


def _away() -> ResponseReturnValue:
    return redirect(local_path(request.args.get("next")), 303)
