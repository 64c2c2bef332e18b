"""Settings: which friends one is notified of, and whether this browser gets pushes (static/js/notifications/push-view.js)."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.friends import relations
from webapp.notifications import go_live, subscriptions, vapid

blueprint = Blueprint("pages_notifications", __name__, url_prefix="/settings")


@blueprint.get("/notifications")
@login_required
def index() -> ResponseReturnValue:
    return render_template(
        "accounts/settings/notifications.html",
        friends=relations.friends_of(current_user),
        muted_friend_ids=go_live.muted_friend_ids(current_user),
        is_on=subscriptions.is_on(current_user),
        key=vapid.public_key(current_app.config["STILLAIR"].data),
    )


@blueprint.post("/notifications")
@login_required
def save() -> ResponseReturnValue:
    go_live.choose(current_user, request.form.getlist("shown"), request.form.getlist("wanted"))
    flash(_("Saved."))
    return redirect(url_for("pages_notifications.index"), 303)
