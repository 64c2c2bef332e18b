"""Serves the settings of the pages themselves: colours and keyboard shortcuts."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import preferences

blueprint = Blueprint("pages_preferences", __name__, url_prefix="/settings")


@blueprint.get("/appearance")
@login_required
def appearance() -> ResponseReturnValue:
    return render_template("accounts/settings/appearance.html")


@blueprint.post("/appearance")
@login_required
def save_appearance() -> ResponseReturnValue:
    preferences.set_theme(current_user, request.form.get("theme", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_preferences.appearance"), 303)


@blueprint.get("/keyboard")
@login_required
def keyboard() -> ResponseReturnValue:
    return render_template("accounts/settings/keyboard.html")


@blueprint.post("/keyboard")
@login_required
def save_keyboard() -> ResponseReturnValue:
    preferences.set_shortcuts(current_user, "shortcuts" in request.form)
    flash(_("Saved."))
    return redirect(url_for("pages_preferences.keyboard"), 303)
