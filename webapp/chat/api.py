"""/api/stream/chat: the chat and the reactions of a stream, on air and kept."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.chat import archive, messages, reactions
from webapp.chat import room as chat_room
from webapp.chat.schemas import Chat, Counts, Kind, Message, RecordedChat
from webapp.openapi.operations import operation
from webapp.openapi.schemas import Body, Query, checked_later
from webapp.openapi.scopes import Scope
from webapp.recordings import queries as recording_queries

blueprint = Blueprint("api_chat", __name__)

ADDRESS = "/api/stream/chat/<stream_id>"


class Page(Query):
    before: Annotated[str, Field(description="Earlier ones: id of the first message of this answer.")] = ""


class NewMessage(Body):
    text: Annotated[
        str, Field(min_length=1), checked_later(f"At most {messages.MAX_LINES} lines.", maxLength=messages.MAX_LENGTH)
    ]


class SentMessage(TypedDict):
    message: Message


class NewReaction(Body):
    kind: Kind


class NewCounts(TypedDict):
    counts: Counts


class ReactionSwitch(Body):
    on: bool = True


@blueprint.get(ADDRESS)
@operation(scope=Scope.READ)
def room(stream_id: str, query: Page) -> Chat:
    """The newest messages of a stream on air."""
    stream = messages.stream_for(current_user, stream_id)
    return chat_room.room_for(current_user, stream, before=query.before).as_json()


@blueprint.post(ADDRESS)
@operation(scope=Scope.CHAT, status=201, errors=(409, 429))
def say(stream_id: str, body: NewMessage) -> SentMessage:
    """Write a message."""
    return {"message": messages.say(current_user, stream_id, body.text).as_json()}


@blueprint.delete(f"{ADDRESS}/<message_id>")
@operation(scope=Scope.CHAT, errors=(409,))
def delete(stream_id: str, message_id: str) -> None:
    """Delete a message.

    Your own, or any in your own chat; also when the stream is over and the chat is kept with the recording.
    """
    archive.delete(current_user, stream_id, message_id)


@blueprint.put(f"{ADDRESS}/muted/<username>")
@operation(scope=Scope.CHAT)
def mute(stream_id: str, username: str) -> None:
    """Mute somebody in your chat."""
    messages.mute(current_user, stream_id, username)


@blueprint.delete(f"{ADDRESS}/muted/<username>")
@operation(scope=Scope.CHAT)
def unmute(stream_id: str, username: str) -> None:
    """Let somebody write again."""
    messages.unmute(current_user, stream_id, username)


@blueprint.post(f"{ADDRESS}/reactions")
@operation(scope=Scope.CHAT, status=201, errors=(409, 429))
def react(stream_id: str, body: NewReaction) -> NewCounts:
    """React."""
    return {"counts": reactions.react(current_user, stream_id, body.kind)}


@blueprint.put(f"{ADDRESS}/reactions")
@operation(scope=Scope.CHAT)
def switch_reactions(stream_id: str, body: ReactionSwitch) -> None:
    """Switch reactions on or off for your stream."""
    reactions.switch(current_user, stream_id, on=body.on)


@blueprint.get("/api/recordings/<recording_id>/chat")
@operation(scope=Scope.READ)
def record(recording_id: str) -> RecordedChat:
    """What was written while it was recorded."""
    return archive.as_json(recording_queries.recording_for(current_user, recording_id), current_user)
