"""/api/checkup: what the page Check my set-up asks the server for."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from contract import messages
from webapp.core import config
from webapp.openapi import schemas
from webapp.openapi.operations import Operation
from webapp.streams import connection_check

blueprint = Blueprint("api_checkup", __name__, url_prefix="/api/checkup")

COUNT = schemas.whole(least=0)
PARTS = schemas.record(
    {
        "noise_remover": schemas.record({"answers": schemas.flag(), "places": COUNT, "free": COUNT}),
        "recording": schemas.record(
            {
                "state": schemas.one_of(*messages.RECORDING_STATES),
                "left_bytes": schemas.or_null(schemas.whole("Of your space; null without a limit.", least=0)),
            }
        ),
    }
)
ROOM = schemas.record(
    {
        "id": schemas.ID,
        "url": schemas.text("Of the audio server."),
        "speaker_token": schemas.text(),
        "listener_token": schemas.text(),
    }
)


@blueprint.get("/")
@login_required
@Operation("The parts of the server that a browser cannot try", answers={200: PARTS})
def server_parts() -> ResponseReturnValue:
    return connection_check.server_parts_for(current_user)


@blueprint.post("/rooms")
@login_required
@Operation("Open a room of your own to try the way to the audio server", answers={201: ROOM}, errors=(429, 503))
def open_room() -> ResponseReturnValue:
    """Two ways into one empty room: one may speak, the other hears it."""
    room = connection_check.open_room_for(current_user)
    url = config.current_config().audio_url_for(request.host)
    return {"id": room.id, "url": url, "speaker_token": room.speaker_token, "listener_token": room.listener_token}, 201


@blueprint.delete("/rooms/<room_id>")
@login_required
@Operation("Close that room", answers={204: None}, errors=(503,))
def close_room(room_id: str) -> ResponseReturnValue:
    connection_check.close_room_for(current_user, room_id)
    return "", 204
