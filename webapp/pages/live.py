"""The page from which somebody streams; what happens on it is webapp/static/js/live-view.js."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import broadcasts

blueprint = Blueprint("pages_live", __name__)


@blueprint.get("/live")
@login_required
def index() -> ResponseReturnValue:
    return render_template("live/index.html", stream=broadcasts.running_stream_of(current_user))
