"""`GET /events`: what happens, as server-sent events (webapp.events.kinds)."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.errors import Invalid
from webapp.events import kinds, outbox
from webapp.openapi.operations import Media, operation
from webapp.openapi.schemas import Query, checked_later
from webapp.openapi.scopes import Scope
from webapp.presence.event_stream import News
from webapp.presence.hub import hub
from webapp.security.tokens import token_hash

blueprint = Blueprint("api_events", __name__)

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
    position = outbox.latest_id()
    last_id = _last_id(request.headers.get("Last-Event-ID") or query.after, position)
    user_id, log_in = current_user.id, token_hash(current_user.get_id())
    event_stream = hub().open(user_id, log_in, position, watching=query.watching != "0")
    try:
        event_stream.begin(_opening(user_id, last_id))
    except SQLAlchemyError:
        event_stream.close()
        raise
    response = Response(event_stream, mimetype="text/event-stream", direct_passthrough=True)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def _last_id(asked: str | None, latest: int) -> int:
    if asked is None:
        return latest
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Invalid.field("after", _("This must be the id of an event."))
    return int(asked)


def _opening(user_id: int, last_id: int) -> list[News]:
    """Return what a stream begins with: from where it goes on, and what has happened since then."""
    if not outbox.is_resumable(last_id):
        last_id = outbox.latest_id()
        return [News.opening(last_id), News.of(last_id, "resync", {})]
    missed = [News.of(event.id, event.kind, event.data) for event in outbox.after(user_id, last_id)]
    return [News.opening(last_id), *missed]
