"""The page from which somebody streams; what happens on it is webapp/static/js/live/live-view.js."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.chat import room
from webapp.streams import queries as stream_queries

blueprint = Blueprint("pages_live", __name__)


@blueprint.get("/live")
@login_required
def index() -> ResponseReturnValue:
    stream = stream_queries.running_stream_of(current_user)
    return render_template("streams/live/index.html", stream=stream, room=room.beside(current_user, stream))
