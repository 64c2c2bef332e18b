"""JSON: the log-ins of whoever asks."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.accounts import clients, sessions
from webapp.models import rfc3339
from webapp.openapi.operations import operation
from webapp.openapi.schemas import Id, Time

blueprint = Blueprint("api_log_ins", __name__, url_prefix="/api/sessions")


class LogIn(TypedDict):
    id: Id
    browser: Annotated[str, Field(description="In words: the browser and the system, as far as it tells.")]
    place: Annotated[str, Field(description="In words: the network, as far as the address tells.")]
    last_used_at: Time
    current: Annotated[bool, Field(description="Whether this is the log-in that asks.")]


class LogIns(TypedDict):
    sessions: list[LogIn]


@blueprint.get("")
@operation()
def log_ins() -> LogIns:
    """The browsers in which you are logged in, the last used first."""
    current = sessions.session_id(current_user)
    return {
        "sessions": [
            {
                "id": each.public_id,
                "browser": clients.browser_words(each.browser, each.system),
                "place": clients.place_words(each.network, is_this=each.id == current),
                "last_used_at": rfc3339(each.seen_at),
                "current": each.id == current,
            }
            for each in sessions.sessions_of(current_user)
        ]
    }


@blueprint.delete("/<public_id>")
@operation()
def end(public_id: str) -> None:
    """End a log-in.

    The current one may be ended as well, which logs out.
    """
    sessions.end(current_user, public_id)
