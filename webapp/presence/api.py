"""`GET /events`: what happens, as server-sent events (webapp.events.kinds)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from flask import Blueprint, Flask, Response, current_app, request
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from webapp.accounts import sessions
from webapp.core.errors import Invalid
from webapp.events import kinds, outbox
from webapp.openapi.operations import Media, operation
from webapp.openapi.schemas import Query, checked_later
from webapp.openapi.scopes import Scope
from webapp.presence.hub import EventHub, EventStream, hub

blueprint = Blueprint("api_events", __name__)

HEARTBEAT_S = 5  # how long a stream may outlive its log-in; proxies close connections that are silent for a minute
RECONNECT_MS = 2000
EventId = Annotated[str, checked_later("Id of an event; what came after it is sent.", pattern="^[0-9]{1,18}$", examples=["1"])]
ABOUT = "\n".join(
    (
        "Each event has an id, a kind and data, which is a JSON object:\n",
        *(f"- `{kind}`: {kinds.description(kind)}" for kind in kinds.KINDS),
    )
)


class Start(Query):
    after: EventId | SkipJsonSchema[None] = None
    watching: Annotated[str, Field(description="0: nobody looks at the page.", examples=["0"])] = ""


@blueprint.get("/events")
@operation(
    scope=Scope.READ,
    headers={"Last-Event-ID": EventId},
    answers={200: Media("text/event-stream", "Server-sent events, without end.")},
    errors=(503,),
    about=ABOUT,
)
def stream(query: Start) -> Response:
    """What happens, as it happens.

    Goes on after `Last-Event-ID`, or after `after` for a page's first stream, or from now on.
    """
    last_id = _last_id(request.headers.get("Last-Event-ID") or query.after)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    event_hub = hub()
    watching = query.watching != "0"
    event_stream = event_hub.open(current_user.id, request.environ.get("gunicorn.socket"), watching=watching)
    response = Response(_body(app, event_hub, event_stream, current_user.get_id(), last_id), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    response.call_on_close(lambda: event_hub.close(event_stream))
    return response


def _last_id(asked: str | None) -> int:
    if asked is None:
        return outbox.latest_id()
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Invalid.field("after", _("This must be the id of an event."))
    return int(asked)


def _body(app: Flask, event_hub: EventHub, event_stream: EventStream, token: str, last_id: int) -> Iterator[str]:
    """Yield events until the log-in, the browser or the server ends. A database connection is held only while reading."""
    with app.app_context():
        missed, last_id = (False, last_id) if outbox.is_resumable(last_id) else (True, outbox.latest_id())
    yield f"retry: {RECONNECT_MS}\nid: {last_id}\n\n"
    if missed:
        yield _format(last_id, "resync", {})
    while not event_hub.is_over(event_stream):
        event_stream.news.clear()
        with app.app_context():
            if not sessions.is_open(token):
                return
            news = [(event.id, event.kind, event.data) for event in outbox.after(event_stream.user_id, last_id)]
        for last_id, kind, data in news:
            yield _format(last_id, kind, data)
        if not event_stream.news.wait(HEARTBEAT_S):
            yield ":\n\n"


def _format(event_id: int, kind: str, data: object) -> str:
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
