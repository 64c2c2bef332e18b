"""Forms for friend requests and friendships. Each redirects to the page it came from, with a message about what happened."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.core.errors import ApiError, answer
from webapp.friends import friendships, relations, requests
from webapp.home import overview
from webapp.security.headers import local_path

blueprint = Blueprint("pages_friends", __name__, url_prefix="/friends")


@blueprint.get("/")
@login_required
def index() -> ResponseReturnValue:
    """Show all friends and requests; the sidebar shows the first ones."""
    everybody = overview.overview_of(current_user, maximum=None)
    g.overview = everybody.cut(overview.SIDEBAR_MAX)  # the sidebar need not read them again
    return render_template("friends/index.html", everybody=everybody)


@blueprint.post("/request")
@login_required
def send() -> ResponseReturnValue:
    asked = requests.send(current_user, request.form.get("username", ""))
    accepted = asked.status == "accepted"
    name = asked.sender.display_name if accepted else asked.receiver.display_name
    if accepted:
        return _back(_("You and %(name)s are friends now.", name=name))
    return _back(_("Friend request sent to %(name)s.", name=name))


@blueprint.post("/request/<request_id>/accept")
@login_required
def accept(request_id: str) -> ResponseReturnValue:
    asked = requests.accept(current_user, request_id)
    return _back(_("You and %(name)s are friends now.", name=asked.sender.display_name))


@blueprint.post("/request/<request_id>/reject")
@login_required
def reject(request_id: str) -> ResponseReturnValue:
    requests.reject(current_user, request_id)
    return _back(_("Request rejected."))


@blueprint.post("/request/<request_id>/cancel")
@login_required
def cancel(request_id: str) -> ResponseReturnValue:
    requests.cancel(current_user, request_id)
    return _back(_("Friend request cancelled."))


@blueprint.post("/<username>/remove")
@login_required
def unfriend(username: str) -> ResponseReturnValue:
    name = relations.friend_for(current_user, username).display_name
    friendships.unfriend(current_user, username)
    flash(_("%(name)s is no longer your friend.", name=name))
    return redirect(url_for("pages_home.index"), 303)


@blueprint.errorhandler(ApiError)
def explain(error: ApiError) -> ResponseReturnValue:
    """Show the error on the page where the button was pressed, but leave a 404 as it is."""
    if error.status == 404:
        return answer(error)
    return _back(error.message, "problem")


def _back(message: str, category: str = "message") -> ResponseReturnValue:
    flash(message, category)
    parts = urlsplit(request.referrer or "")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return redirect(local_path(path), 303)
