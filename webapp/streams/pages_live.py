"""The page from which somebody streams; what happens on it is webapp/static/js/live/live-view.js."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.chat import room
from webapp.core.lookalikes import Name, ambiguous
from webapp.friends import relations
from webapp.streams import queries as stream_queries
from webapp.streams import seats

blueprint = Blueprint("pages_live", __name__)


@blueprint.get("/live")
@login_required
def index() -> ResponseReturnValue:
    stream = stream_queries.running_stream_of(current_user)
    listeners = seats.listeners_of(stream) if stream else []
    company = [Name(current_user.username, current_user.display_name)]
    company += relations.names_of_friends(current_user) if listeners else []
    return render_template(
        "streams/live/index.html",
        stream=stream,
        listeners=listeners,
        unclear={name.username for name in ambiguous(company)},
        room=room.beside(current_user, stream),
    )
