"""Settings: name, recordings and password."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import access_tokens, accounts, quality, quotas
from webapp.core import mail
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.factors import confirmation
from webapp.profiles import profiles

blueprint = Blueprint("pages_settings", __name__, url_prefix="/settings")


@blueprint.get("/")
@login_required
def profile(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    return render_template("accounts/settings/profile.html", problems=problems)


@blueprint.post("/")
@login_required
@form_errors(profile)
def save_profile() -> ResponseReturnValue:
    form = request.form
    profiles.change(current_user, display_name=form.get("display_name", ""), about=form.get("about", ""))
    flash(_("Saved. Friends see it at once."))
    return redirect(url_for("pages_settings.profile"), 303)


@blueprint.get("/recording")
@login_required
def recording(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    server_days = quotas.max_days(current_user)
    return render_template(
        "accounts/settings/recording.html", problems=problems, server_days=server_days, most_days=quotas.MAX_DAYS
    )


@blueprint.post("/recording")
@login_required
@form_errors(recording)
def save_recording() -> ResponseReturnValue:
    quotas.change(current_user, keep_days=request.form.get("keep_days", ""), audience=request.form.get("audience", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_settings.recording"), 303)


@blueprint.get("/sound")
@login_required
def sound() -> ResponseReturnValue:
    return render_template("accounts/settings/sound.html", qualities=quality.WORDS)


@blueprint.post("/sound")
@login_required
def save_sound() -> ResponseReturnValue:
    quality.change(current_user, request.form.get("quality", ""))
    flash(_("Saved. Applies from your next stream."))
    return redirect(url_for("pages_settings.sound"), 303)


@blueprint.get("/password")
@login_required
def password(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    return render_template(
        "accounts/settings/password.html",
        problems=problems,
        by_mail=mail.is_configured(),
        has_tokens=bool(access_tokens.tokens_of(current_user)),
    )


@blueprint.post("/password")
@login_required
@form_errors(password, "old_password")
def save_password() -> ResponseReturnValue:
    old, new = request.form.get("old_password", ""), request.form.get("password", "")
    keep_tokens = "keep_tokens" in request.form
    accounts.change_password(current_user, old, new, request.remote_addr or "", keep_tokens=keep_tokens)
    flash(_("Saved. You have been logged out in every other browser."))
    return redirect(url_for("pages_settings.password"), 303)


@blueprint.get("/check")
@login_required
def check() -> ResponseReturnValue:
    """Check my set-up; what happens on it is webapp/static/js/setup/setup-view.js."""
    return render_template("accounts/settings/check.html")


@blueprint.post("/email")
@login_required
@confirmation.confirmed
@form_errors(password)
def save_email() -> ResponseReturnValue:
    accounts.change_email(current_user, request.form.get("email", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_settings.password"), 303)
