"""Pages of a chat: earlier messages of a stream on air, and everything that is archived with a recording.

The forms beside a stream lead here, too, when there is no JavaScript.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.chat import archive, messages, reactions
from webapp.chat import room as chat_room
from webapp.core.errors import ApiError, NotFound
from webapp.models import Stream
from webapp.recordings import queries as recording_queries

blueprint = Blueprint("pages_chat", __name__, url_prefix="/chat")

PAGE = 200  # messages of a chat on air
RECORD_PAGE = 1000  # messages of an archived chat, which appear one after the other while the recording plays


@blueprint.get("/<stream_id>")
@login_required
def index(stream_id: str) -> ResponseReturnValue:
    """Show a chat. `?before=` goes back in one on air, `?page=` forward in an archived one."""
    try:
        stream = messages.stream_for(current_user, stream_id)
    except NotFound:
        return _record(stream_id)
    return _room(stream)


def _room(stream: Stream, problem: str = "", written: str = "") -> str:
    room = chat_room.room_for(current_user, stream, before=request.args.get("before", ""), count=PAGE)
    return render_template("chat/on_air.html", room=room, problem=problem, written=written, back=_beside(stream))


def _record(recording_id: str) -> str:
    recording = recording_queries.recording_for(current_user, recording_id)
    record, page = archive.chat_of(recording, current_user), max(0, request.args.get("page", 0, int))
    start = RECORD_PAGE * page
    return render_template(
        "chat/record.html",
        recording=recording,
        lines=[(line, archive.second_of(recording, line.at)) for line in record.messages[start : start + RECORD_PAGE]],
        more=page + 1 if len(record.messages) > start + RECORD_PAGE else None,
        felt=[(felt.kind, archive.second_of(recording, felt.at)) for felt in record.reactions],
    )


@blueprint.post("/<stream_id>")
@login_required
def say(stream_id: str) -> ResponseReturnValue:
    text = request.form.get("text", "")
    try:
        messages.say(current_user, stream_id, text)
    except ApiError as error:
        if isinstance(error, NotFound):
            raise
        stream = messages.stream_for(current_user, stream_id)
        return _room(stream, error.message, text), error.status
    return _return(stream_id)


@blueprint.post("/<stream_id>/react")
@login_required
def react(stream_id: str) -> ResponseReturnValue:
    reactions.react(current_user, stream_id, request.form.get("kind", ""))
    return _return(stream_id)


@blueprint.post("/<stream_id>/reactions")
@login_required
def switch_reactions(stream_id: str) -> ResponseReturnValue:
    reactions.switch(current_user, stream_id, on=request.form.get("on") == "1")
    return _return(stream_id)


@blueprint.post("/<stream_id>/mute")
@login_required
def mute(stream_id: str) -> ResponseReturnValue:
    messages.mute(current_user, stream_id, request.form.get("username", ""))
    return _return(stream_id)


@blueprint.post("/<stream_id>/unmute")
@login_required
def unmute(stream_id: str) -> ResponseReturnValue:
    messages.unmute(current_user, stream_id, request.form.get("username", ""))
    return _return(stream_id)


@blueprint.post("/<stream_id>/<message_id>/delete")
@login_required
def delete(stream_id: str, message_id: str) -> ResponseReturnValue:
    archive.delete(current_user, stream_id, message_id)
    return _return(stream_id)


def _return(stream_id: str) -> ResponseReturnValue:
    """Redirect to where the form was: beside the stream while that is on air."""
    try:
        return redirect(_beside(messages.stream_for(current_user, stream_id)), 303)
    except NotFound:
        return redirect(url_for("pages_chat.index", stream_id=stream_id), 303)


def _beside(stream: Stream) -> str:
    if stream.owner_id == current_user.id:
        return url_for("pages_live.index", _anchor="chat")
    return url_for("pages_listen.friend", username=stream.owner.username, _anchor="chat")
