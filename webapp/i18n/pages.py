"""Serves the setting of the language."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.i18n import language

blueprint = Blueprint("pages_language", __name__)


@blueprint.get("/settings/language")
@login_required
def choice() -> ResponseReturnValue:
    return render_template("accounts/settings/language.html", languages=language.LANGUAGES)


@blueprint.post("/settings/language")
@login_required
def choose() -> ResponseReturnValue:
    language.choose(current_user, request.form.get("language", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_language.choice"), 303)
