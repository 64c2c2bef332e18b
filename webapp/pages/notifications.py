"""Settings: of whom one is told when they go live, and whether this browser is woken for it (static/js/push-view.js)."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp import friendships, notices, push_subscriptions, vapid

blueprint = Blueprint("pages_notifications", __name__, url_prefix="/settings")


@blueprint.get("/notifications")
@login_required
def index() -> ResponseReturnValue:
    return render_template(
        "settings/notifications.html",
        friends=friendships.friends_of(current_user),
        off_ids=notices.off_ids(current_user),
        is_on=push_subscriptions.is_on(current_user),
        key=vapid.public_key(current_app.config["STILLAIR"].data),
    )


@blueprint.post("/notifications")
@login_required
def save() -> ResponseReturnValue:
    notices.choose(current_user, request.form.getlist("shown"), request.form.getlist("wanted"))
    flash(_("Saved."))
    return redirect(url_for("pages_notifications.index"), 303)
