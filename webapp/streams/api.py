"""/api/stream: the owner's side of a stream, and its status."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from flask_login import current_user
from pydantic import Field

from contract import messages
from webapp.core.text import TITLE_LENGTH
from webapp.openapi.operations import operation
from webapp.openapi.schemas import Body, Title, checked_later
from webapp.openapi.scopes import Scope
from webapp.streams import broadcaster, listeners, serializers
from webapp.streams.schemas import AlreadyStreaming, Quality, RunningStream, StreamStatus, Ticket

blueprint = Blueprint("api_streams", __name__, url_prefix="/api/stream")

IN_THE_STUDIO = f"""The ticket is for the studio, where you publish the microphone. 409 comes with the stream that runs already.

There the participant `{messages.AGENT_NAME}` carries the attributes \
`{messages.ATTRIBUTE_STATE}` ({", ".join(messages.AGENT_STATES)}), `{messages.ATTRIBUTE_STRENGTH}` (0 to 100) and \
`{messages.ATTRIBUTE_RECORDING}` ({", ".join(messages.RECORDING_STATES)}). The clean sound is on the stage."""


class NewStream(Body):
    title: Annotated[str, checked_later(maxLength=TITLE_LENGTH)] = ""
    strength_db: Annotated[float, Field(description="How much noise is removed at most.", ge=0, le=100)] = 100.0
    sound_check: Annotated[bool, Field(description="Nobody else hears or sees the stream until go-live.")] = False
    quality: Annotated[Quality, Field(description="Else as the settings say.")] = ""


class NewTitle(Body):
    title: Title


@blueprint.post("/start")
@operation(scope=Scope.STREAM, status=201, answers={409: AlreadyStreaming}, errors=(429, 503), about=IN_THE_STUDIO)
def start(body: NewStream) -> Ticket:
    """Start a stream."""
    ticket = broadcaster.start(
        current_user,
        title=body.title,
        strength_db=body.strength_db,
        sound_check=body.sound_check,
        quality=body.quality or current_user.quality,
    )
    return serializers.ticket_json(ticket, request.host)


@blueprint.post("/go-live")
@operation(scope=Scope.STREAM, errors=(404,))
def go_live() -> RunningStream:
    """End the sound check and let friends listen."""
    return {"stream": serializers.as_json(broadcaster.go_live(current_user))}


@blueprint.post("/rejoin")
@operation(scope=Scope.STREAM, errors=(404, 503))
def rejoin() -> Ticket:
    """Come back after a lost connection.

    A ticket for the studio, as at the start.
    """
    return serializers.ticket_json(broadcaster.rejoin(current_user), request.host)


@blueprint.post("/stop")
@operation(scope=Scope.STREAM, errors=(404,))
def stop() -> RunningStream:
    """Stop your stream.

    Or one that has ended already.
    """
    return {"stream": serializers.as_json(broadcaster.stop(current_user))}


@blueprint.post("/title")
@operation(scope=Scope.STREAM, errors=(404,))
def set_title(body: NewTitle) -> RunningStream:
    """Change the title of your stream."""
    return {"stream": serializers.as_json(broadcaster.set_title(current_user, body.title))}


@blueprint.post("/monitor")
@operation(scope=Scope.STREAM, errors=(404, 429))
def monitor() -> Ticket:
    """Hear what friends hear of your stream."""
    return serializers.ticket_json(broadcaster.monitor(current_user), request.host)


@blueprint.get("/status/<username>")
@operation(scope=Scope.READ)
def status(username: str) -> StreamStatus:
    """Whether somebody is live.

    A friend or yourself.
    """
    return listeners.status_for(current_user, username)


@blueprint.post("/listen/<username>")
@operation(scope=Scope.READ, errors=(429,))
def listen(username: str) -> Ticket:
    """Listen to a friend.

    The ticket is for the stage, where the clean sound is. 404 alike for not live, no friend and unknown.
    """
    return serializers.ticket_json(listeners.listen_for(current_user, username), request.host)
