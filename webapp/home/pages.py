"""Serves the first page, and the parts of every page that follow events."""

from __future__ import annotations

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.recordings import listing

blueprint = Blueprint("pages_home", __name__)

RECENT = 6


@blueprint.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("home/index.html", recordings=listing.of_friends(current_user, count=RECENT).recordings)


@blueprint.get("/sidebar")
@login_required
def sidebar() -> ResponseReturnValue:
    """Send Turbo streams that replace what shows friends, in place. `?page=` is the path of the page that asks."""
    response = make_response(render_template("events.html"))
    response.mimetype = "text/vnd.turbo-stream.html"
    return response
