"""/api/stream/chat: the chat and the reactions of a stream, on air and kept; docs/api.md leads to their description."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.chat import archive, messages, reactions
from webapp.chat import room as chat_room
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Operation
from webapp.openapi.scopes import Scope
from webapp.recordings import queries as recording_queries

blueprint = Blueprint("api_chat", __name__)

ADDRESS = "/api/stream/chat/<stream_id>"

SAID = {
    "id": schemas.ID,
    "username": schemas.USERNAME,
    "display_name": schemas.DISPLAY_NAME,
    "text": schemas.text(),
    "at": schemas.TIME,
}
MESSAGE = schemas.record(SAID, title="Message")
KIND = schemas.one_of(*reactions.KINDS)
COUNTS = schemas.record({kind: schemas.whole(least=0) for kind in reactions.KINDS}, title="ReactionCounts")
SECOND = schemas.number("Of the recording.")
ROOM = schemas.record(
    {
        "stream": schemas.ID,
        "messages": schemas.list_of(MESSAGE, "Oldest first.", most=chat_room.SHOWN),
        "more": schemas.flag("There are earlier ones."),
        "muted": schemas.flag("You may not write."),
        "reactions": schemas.record({"on": schemas.flag(), "counts": COUNTS}),
    },
    {"muted_people": schemas.list_of(schemas.USERNAME, "For the owner.")},
    title="Chat",
)
RECORD = schemas.record(
    {
        "messages": schemas.list_of(schemas.record({**SAID, "second": SECOND})),
        "reactions": schemas.list_of(schemas.record({"kind": KIND, "second": SECOND})),
    }
)


@blueprint.get(ADDRESS)
@login_required
@Operation(
    "The newest messages of a stream on air",
    scope=Scope.READ,
    query={"before": schemas.text("Earlier ones: id of the first message of this answer.")},
    answers={200: ROOM},
)
def room(stream_id: str) -> ResponseReturnValue:
    """The newest messages of a stream on air, oldest first; `?before=` with the id of one: those before it."""
    stream = messages.stream_for(current_user, stream_id)
    return chat_room.of(current_user, stream, before=request.args.get("before", "")).as_json()


@blueprint.post(ADDRESS)
@login_required
@Operation(
    "Write a message",
    scope=Scope.CHAT,
    body=schemas.body({"text": schemas.text(f"At most {messages.LINES} lines.", least=1, most=messages.LENGTH)}),
    answers={201: schemas.record({"message": MESSAGE})},
    errors=(409, 429),
)
def say(stream_id: str) -> ResponseReturnValue:
    """`{text}`"""
    text = JsonBody.of_request().secret("text")  # exactly as sent; the chat cleans and checks it
    return {"message": messages.say(current_user, stream_id, text).as_json()}, 201


@blueprint.delete(f"{ADDRESS}/<message_id>")
@login_required
@Operation("Delete a message", scope=Scope.CHAT, answers={204: None}, errors=(409,), about="Your own, or any in your own chat.")
def delete(stream_id: str, message_id: str) -> ResponseReturnValue:
    """Also when the stream is over and the chat is kept with the recording."""
    archive.delete(current_user, stream_id, message_id)
    return "", 204


@blueprint.put(f"{ADDRESS}/muted/<username>")
@login_required
@Operation("Mute somebody in your chat", scope=Scope.CHAT, answers={204: None})
def mute(stream_id: str, username: str) -> ResponseReturnValue:
    messages.mute(current_user, stream_id, username)
    return "", 204


@blueprint.delete(f"{ADDRESS}/muted/<username>")
@login_required
@Operation("Let somebody write again", scope=Scope.CHAT, answers={204: None})
def unmute(stream_id: str, username: str) -> ResponseReturnValue:
    messages.unmute(current_user, stream_id, username)
    return "", 204


@blueprint.post(f"{ADDRESS}/reactions")
@login_required
@Operation(
    "React",
    scope=Scope.CHAT,
    body=schemas.body({"kind": KIND}),
    answers={201: schemas.record({"counts": COUNTS})},
    errors=(409, 429),
)
def react(stream_id: str) -> ResponseReturnValue:
    """`{kind}`"""
    kind = JsonBody.of_request().choice("kind", *reactions.KINDS)
    return {"counts": reactions.react(current_user, stream_id, kind)}, 201


@blueprint.put(f"{ADDRESS}/reactions")
@login_required
@Operation(
    "Switch reactions on or off for your stream",
    scope=Scope.CHAT,
    body=schemas.body({}, {"on": schemas.flag()}),
    answers={204: None},
)
def switch_reactions(stream_id: str) -> ResponseReturnValue:
    """`{on}`: for everybody, by the owner."""
    reactions.switch(current_user, stream_id, on=JsonBody.of_request().flag("on", default=True))
    return "", 204


@blueprint.get("/api/recordings/<recording_id>/chat")
@login_required
@Operation("What was written while it was recorded", scope=Scope.READ, answers={200: RECORD})
def record(recording_id: str) -> ResponseReturnValue:
    """All that was written, with the second of the recording."""
    return archive.as_json(recording_queries.recording_for(current_user, recording_id))
