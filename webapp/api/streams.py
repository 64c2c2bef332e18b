"""/api/stream: the owner's side of a stream, and its status. API.md has the documents."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

import contract
from webapp import broadcasts
from webapp.json_body import JsonBody

blueprint = Blueprint("api_streams", __name__, url_prefix="/api/stream")

TITLE_LENGTH = 120


@blueprint.post("/start")
@login_required
def start() -> ResponseReturnValue:
    body = JsonBody.of_request()
    ticket = broadcasts.start(
        current_user,
        title=body.text("title", default="", most=TITLE_LENGTH),
        strength_db=body.number("strength_db", default=100.0, least=0.0, most=100.0),
        sound_check=body.flag("sound_check"),
        quality=body.choice("quality", *contract.QUALITIES, default=current_user.quality),
    )
    return broadcasts.ticket_json(ticket, request.host), 201


@blueprint.post("/go-live")
@login_required
def go_live() -> ResponseReturnValue:
    return {"stream": broadcasts.as_json(broadcasts.go_live(current_user))}


@blueprint.post("/rejoin")
@login_required
def rejoin() -> ResponseReturnValue:
    return broadcasts.ticket_json(broadcasts.rejoin(current_user), request.host)


@blueprint.post("/stop")
@login_required
def stop() -> ResponseReturnValue:
    return {"stream": broadcasts.as_json(broadcasts.stop(current_user))}


@blueprint.post("/title")
@login_required
def set_title() -> ResponseReturnValue:
    title = JsonBody.of_request().text("title", most=TITLE_LENGTH)
    return {"stream": broadcasts.as_json(broadcasts.set_title(current_user, title))}


@blueprint.post("/monitor")
@login_required
def monitor() -> ResponseReturnValue:
    """For the owner's page: hear what friends hear."""
    return broadcasts.ticket_json(broadcasts.monitor(current_user), request.host)


@blueprint.get("/status/<username>")
@login_required
def status(username: str) -> ResponseReturnValue:
    return broadcasts.status_for(current_user, username)


@blueprint.post("/listen/<username>")
@login_required
def listen(username: str) -> ResponseReturnValue:
    """For a friend's page."""
    return broadcasts.ticket_json(broadcasts.listen_for(current_user, username), request.host)
