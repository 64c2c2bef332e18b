"""/api/checkup: what the page Check my set-up asks the server for."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.core import config
from webapp.openapi.operations import operation
from webapp.openapi.schemas import Id
from webapp.streams import connection_check
from webapp.streams.schemas import ServerParts

blueprint = Blueprint("api_checkup", __name__, url_prefix="/api/checkup")


class CheckRoom(TypedDict):
    id: Id
    url: Annotated[str, Field(description="Of the audio server.")]
    speaker_token: str
    listener_token: str


@blueprint.get("/")
@operation()
def server_parts() -> ServerParts:
    """The parts of the server that a browser cannot try."""
    return connection_check.server_parts_for(current_user)


@blueprint.post("/rooms")
@operation(status=201, errors=(429, 503))
def open_room() -> CheckRoom:
    """Open a room of your own to try the way to the audio server.

    Two ways into one empty room: one may speak, the other hears it.
    """
    room = connection_check.open_room_for(current_user)
    url = config.current_config().audio_url_for(request.host)
    return {"id": room.id, "url": url, "speaker_token": room.speaker_token, "listener_token": room.listener_token}


@blueprint.delete("/rooms/<room_id>")
@operation(errors=(503,))
def close_room(room_id: str) -> None:
    """Close that room."""
    connection_check.close_room_for(current_user, room_id)
