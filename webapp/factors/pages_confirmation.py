"""Serves the page that asks for the password or the second factor again, for somebody who has opened a link."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.core.errors import ConfirmationRequired
from webapp.factors import confirmation
from webapp.security.headers import local_path

blueprint = Blueprint("pages_confirmation", __name__)


@blueprint.get("/confirm")
@login_required
def ask() -> ResponseReturnValue:
    return render_template("factors/confirm.html", error=ConfirmationRequired(confirmation.methods(current_user)))


@blueprint.post("/confirm")
@login_required
@confirmation.confirmed
def confirm() -> ResponseReturnValue:
    flash(_("Thank you. You are not asked again for ten minutes."))
    return redirect(local_path(request.args.get("next")), 303)
