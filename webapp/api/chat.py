"""/api/stream/chat: the chat and the reactions of a stream, on air and kept. API.md has the documents."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import chat, chat_record, chat_room, library, reactions
from webapp.json_body import JsonBody

blueprint = Blueprint("api_chat", __name__)

ADDRESS = "/api/stream/chat/<stream_id>"


@blueprint.get(ADDRESS)
@login_required
def room(stream_id: str) -> ResponseReturnValue:
    """The newest messages of a stream on air, oldest first; `?before=` with the id of one: those before it."""
    stream = chat.stream_for(current_user, stream_id)
    return chat_room.of(current_user, stream, before=request.args.get("before", "")).as_json()


@blueprint.post(ADDRESS)
@login_required
def say(stream_id: str) -> ResponseReturnValue:
    """`{text}`"""
    text = JsonBody.of_request().secret("text")         # exactly as sent; the chat cleans and checks it
    return {"message": chat.say(current_user, stream_id, text).as_json()}, 201


@blueprint.delete(f"{ADDRESS}/<message_id>")
@login_required
def delete(stream_id: str, message_id: str) -> ResponseReturnValue:
    """Also when the stream is over and the chat is kept with the recording."""
    chat_record.delete(current_user, stream_id, message_id)
    return "", 204


@blueprint.put(f"{ADDRESS}/muted/<username>")
@login_required
def mute(stream_id: str, username: str) -> ResponseReturnValue:
    chat.mute(current_user, stream_id, username)
    return "", 204


@blueprint.delete(f"{ADDRESS}/muted/<username>")
@login_required
def unmute(stream_id: str, username: str) -> ResponseReturnValue:
    chat.unmute(current_user, stream_id, username)
    return "", 204


@blueprint.post(f"{ADDRESS}/reactions")
@login_required
def react(stream_id: str) -> ResponseReturnValue:
    """`{kind}`"""
    kind = JsonBody.of_request().choice("kind", *reactions.KINDS)
    return {"counts": reactions.react(current_user, stream_id, kind)}, 201


@blueprint.put(f"{ADDRESS}/reactions")
@login_required
def switch_reactions(stream_id: str) -> ResponseReturnValue:
    """`{on}`: for everybody, by the owner."""
    reactions.switch(current_user, stream_id, on=JsonBody.of_request().flag("on", default=True))
    return "", 204


@blueprint.get("/api/recordings/<recording_id>/chat")
@login_required
def record(recording_id: str) -> ResponseReturnValue:
    """All that was written, with the second of the recording."""
    return chat_record.as_json(library.recording_for(current_user, recording_id))
