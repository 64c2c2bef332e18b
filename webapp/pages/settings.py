"""Settings: name, recordings and password, and for the admin who may register."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp import accounts, allowance, profiles, quality, registration
from webapp.errors import ApiError, NotFound

blueprint = Blueprint("pages_settings", __name__, url_prefix="/settings")


@blueprint.get("/")
@login_required
def profile() -> ResponseReturnValue:
    return render_template("settings/profile.html", problems={})


@blueprint.post("/")
@login_required
def save_profile() -> ResponseReturnValue:
    try:
        form = request.form
        profiles.change(current_user, display_name=form.get("display_name", ""), about=form.get("about", ""))
    except ApiError as error:
        return render_template("settings/profile.html", problems=error.fields), error.status
    flash(_("Saved. Friends see it at once."))
    return redirect(url_for("pages_settings.profile"), 303)


@blueprint.get("/recording")
@login_required
def recording() -> ResponseReturnValue:
    return _recording({})


@blueprint.post("/recording")
@login_required
def save_recording() -> ResponseReturnValue:
    try:
        form = request.form
        allowance.change(current_user, keep_days=form.get("keep_days", ""), audience=form.get("audience", ""))
    except ApiError as error:
        return _recording(error.fields), error.status
    flash(_("Saved."))
    return redirect(url_for("pages_settings.recording"), 303)


def _recording(problems: Mapping[str, str]) -> str:
    server_days = current_app.config["STILLAIR"].keep_days
    return render_template("settings/recording.html", problems=problems, server_days=server_days, most_days=allowance.MOST_DAYS)


@blueprint.get("/sound")
@login_required
def sound() -> ResponseReturnValue:
    return render_template("settings/sound.html", qualities=quality.WORDS)


@blueprint.post("/sound")
@login_required
def save_sound() -> ResponseReturnValue:
    quality.change(current_user, request.form.get("quality", ""))
    flash(_("Saved. It counts from your next stream on."))
    return redirect(url_for("pages_settings.sound"), 303)


@blueprint.get("/password")
@login_required
def password() -> ResponseReturnValue:
    return render_template("settings/password.html", problems={})


@blueprint.post("/password")
@login_required
def save_password() -> ResponseReturnValue:
    old, new = request.form.get("old_password", ""), request.form.get("password", "")
    try:
        accounts.change_password(current_user, old, new, request.remote_addr or "")
    except ApiError as error:
        return render_template("settings/password.html", problems=error.fields or {"old_password": error.message}), error.status
    flash(_("Saved. Every other browser is logged out."))
    return redirect(url_for("pages_settings.password"), 303)


@blueprint.get("/check")
@login_required
def check() -> ResponseReturnValue:
    """Check my set-up; what happens on it is webapp/static/js/setup-view.js."""
    return render_template("settings/check.html")


@blueprint.get("/registration")
@login_required
def who_may_register() -> ResponseReturnValue:
    _only_the_admin()
    return render_template("settings/registration.html", mode=registration.mode())


@blueprint.post("/registration")
@login_required
def save_who_may_register() -> ResponseReturnValue:
    _only_the_admin()
    registration.choose(request.form.get("registration", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_settings.who_may_register"), 303)


def _only_the_admin() -> None:
    if not current_user.is_admin:
        raise NotFound
