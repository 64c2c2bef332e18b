"""/api/checkup: what the page Check my set-up asks the server for."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import broadcasts, checkup

blueprint = Blueprint("api_checkup", __name__, url_prefix="/api/checkup")


@blueprint.get("/")
@login_required
def server_parts() -> ResponseReturnValue:
    return checkup.server_parts_for(current_user)


@blueprint.post("/rooms")
@login_required
def open_room() -> ResponseReturnValue:
    """Two ways into one empty room: one may speak, the other hears it."""
    room = checkup.open_room_for(current_user)
    url = broadcasts.config().audio_url_for(request.host)
    return {"id": room.id, "url": url, "speaker_token": room.speaker_token, "listener_token": room.listener_token}, 201


@blueprint.delete("/rooms/<room_id>")
@login_required
def close_room(room_id: str) -> ResponseReturnValue:
    checkup.close_room_for(current_user, room_id)
    return "", 204
