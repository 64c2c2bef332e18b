"""Serves the pages for forgotten passwords: asking for a link, and opening one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.accounts import password_resets
from webapp.core import mail
from webapp.core.errors import Invalid, NotFound, TooMany

blueprint = Blueprint("pages_resets", __name__)


@blueprint.get("/forgot")
def forgot() -> ResponseReturnValue:
    return _forgot()


@blueprint.post("/forgot")
def ask_for_link() -> ResponseReturnValue:
    """Answer alike for every name."""
    if not mail.is_configured():
        raise NotFound
    try:
        password_resets.request_link(request.form.get("username", "").strip(), request.remote_addr or "")
    except TooMany as error:
        return _forgot(problem=error.message), error.status, {"Retry-After": str(error.retry_after_s)}
    return redirect(url_for("pages_resets.forgot", sent=1), 303)


def _forgot(problem: str = "") -> str:
    return render_template("auth/forgot.html", by_mail=mail.is_configured(), sent="sent" in request.args, problem=problem)


@blueprint.get("/reset/<token>")
def reset(token: str) -> ResponseReturnValue:
    return render_template("auth/reset.html", person=password_resets.user_of(token), problem="")


@blueprint.post("/reset/<token>")
def choose_password(token: str) -> ResponseReturnValue:
    try:
        password_resets.use(token, request.form.get("password", ""))
    except Invalid as error:
        return render_template("auth/reset.html", person=password_resets.user_of(token), problem=error.message), error.status
    flash(_("Your new password is saved. Log in with it."))
    return redirect(url_for("pages_auth.login"), 303)
