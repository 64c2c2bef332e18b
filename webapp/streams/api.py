"""/api/stream: the owner's side of a stream, and its status; docs/api.md leads to their description."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from contract import messages
from webapp.models import STREAM_STATES
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Operation
from webapp.openapi.scopes import Scope
from webapp.streams import broadcaster, listeners, serializers

blueprint = Blueprint("api_streams", __name__, url_prefix="/api/stream")

TITLE_LENGTH = 120

IN_THE_STUDIO = f"""The ticket is for the studio, where you publish the microphone. 409 comes with the stream that runs already.

There the participant `{messages.AGENT_NAME}` carries the attributes \
`{messages.ATTRIBUTE_STATE}` ({", ".join(messages.AGENT_STATES)}), `{messages.ATTRIBUTE_STRENGTH}` (0 to 100) and \
`{messages.ATTRIBUTE_RECORDING}` ({", ".join(messages.RECORDING_STATES)}). The clean sound is on the stage."""

TITLE = schemas.text(most=TITLE_LENGTH)
LISTENED = schemas.record({**schemas.STREAM_FIELDS, "listeners": schemas.whole(least=0)}, title="StreamWithListeners")
RUNNING = schemas.record({"stream": schemas.STREAM})
TICKET = schemas.record(
    {
        "stream": schemas.STREAM,
        "url": schemas.text("Of the audio server."),
        "token": schemas.text("For two minutes: what `room.connect(url, token)` of a LiveKit client takes."),
    },
    title="Ticket",
)
ALREADY_STREAMING = schemas.record({**schemas.ERROR["properties"], "stream": schemas.or_null(schemas.STREAM)})
STATUS = schemas.record(
    {
        "live": schemas.flag("Whether friends can listen."),
        "state": schemas.one_of("offline", *STREAM_STATES),
        "stream": schemas.or_null(LISTENED),
    },
    {
        "all_places_taken": schemas.or_null(
            schemas.whole(
                "For the owner: how many streams the server cleans at once, when all of these are in use and "
                "this one waits for a place.",
            )
        )
    },
)


@blueprint.post("/start")
@login_required
@Operation(
    "Start a stream",
    scope=Scope.STREAM,
    body=schemas.body(
        {},
        {
            "title": TITLE,
            "strength_db": schemas.number("How much noise is removed at most.", least=0, most=100),
            "sound_check": schemas.flag("Nobody else hears or sees the stream until go-live."),
            "quality": schemas.one_of(*messages.QUALITIES, about="Else as the settings say."),
        },
    ),
    answers={201: TICKET, 409: ALREADY_STREAMING},
    errors=(503,),
    about=IN_THE_STUDIO,
)
def start() -> ResponseReturnValue:
    body = JsonBody.of_request()
    ticket = broadcaster.start(
        current_user,
        title=body.text("title", default="", most=TITLE_LENGTH),
        strength_db=body.number("strength_db", default=100.0, least=0.0, most=100.0),
        sound_check=body.flag("sound_check"),
        quality=body.choice("quality", *messages.QUALITIES, default=current_user.quality),
    )
    return serializers.ticket_json(ticket, request.host), 201


@blueprint.post("/go-live")
@login_required
@Operation("End the sound check and let friends listen", scope=Scope.STREAM, answers={200: RUNNING}, errors=(404,))
def go_live() -> ResponseReturnValue:
    return {"stream": serializers.as_json(broadcaster.go_live(current_user))}


@blueprint.post("/rejoin")
@login_required
@Operation(
    "Come back after a lost connection",
    scope=Scope.STREAM,
    answers={200: TICKET},
    errors=(404, 503),
    about="A ticket for the studio, as at the start.",
)
def rejoin() -> ResponseReturnValue:
    return serializers.ticket_json(broadcaster.rejoin(current_user), request.host)


@blueprint.post("/stop")
@login_required
@Operation("Stop your stream", scope=Scope.STREAM, answers={200: RUNNING}, errors=(404,), about="Or one that has ended already.")
def stop() -> ResponseReturnValue:
    return {"stream": serializers.as_json(broadcaster.stop(current_user))}


@blueprint.post("/title")
@login_required
@Operation(
    "Change the title of your stream",
    scope=Scope.STREAM,
    body=schemas.body({"title": schemas.text(least=1, most=TITLE_LENGTH)}),
    answers={200: RUNNING},
    errors=(404,),
)
def set_title() -> ResponseReturnValue:
    title = JsonBody.of_request().text("title", most=TITLE_LENGTH)
    return {"stream": serializers.as_json(broadcaster.set_title(current_user, title))}


@blueprint.post("/monitor")
@login_required
@Operation("Hear what friends hear of your stream", scope=Scope.STREAM, answers={200: TICKET}, errors=(404,))
def monitor() -> ResponseReturnValue:
    """For the owner's page: hear what friends hear."""
    return serializers.ticket_json(broadcaster.monitor(current_user), request.host)


@blueprint.get("/status/<username>")
@login_required
@Operation("Whether somebody is live", scope=Scope.READ, answers={200: STATUS}, about="A friend or yourself.")
def status(username: str) -> ResponseReturnValue:
    return listeners.status_for(current_user, username)


@blueprint.post("/listen/<username>")
@login_required
@Operation(
    "Listen to a friend",
    scope=Scope.READ,
    answers={200: TICKET},
    about="The ticket is for the stage, where the clean sound is. 404 alike for not live, no friend and unknown.",
)
def listen(username: str) -> ResponseReturnValue:
    """For a friend's page."""
    return serializers.ticket_json(listeners.listen_for(current_user, username), request.host)
