"""A friend's page: the stream while there is one, and the recordings."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.chat import room
from webapp.friends import relations
from webapp.home import overview
from webapp.recordings import listing
from webapp.streams import queries as stream_queries

blueprint = Blueprint("pages_listen", __name__)


@blueprint.get("/listen/<username>")
@login_required
def friend(username: str) -> ResponseReturnValue:
    if username.lower() == current_user.username_key:
        return redirect(url_for("pages_live.index"))
    found, friendship = relations.friendship_with(current_user, username)
    stream = stream_queries.on_air_stream_of(found)
    return render_template(
        "streams/listen/friend.html",
        friend=found,
        friends_since=friendship.created_at,
        stream=stream,
        room=room.beside(current_user, stream),
        last_live_at=overview.last_live_at([found.id]).get(found.id),
        recordings=listing.of_person(current_user, found).recordings,
    )
