"""Holds every event that any test publishes to its description."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import event

from webapp.chat import schemas as chat_schemas
from webapp.events.kinds import KINDS, fields
from webapp.models import Event
from webapp.streams import schemas as stream_schemas

MADE_UP = "test"
"""Kinds that begin so are no real ones: tests of the way that any event goes use them."""

OBJECTS = {
    **{("stream." + kind, "stream"): stream_schemas.Stream for kind in ("live", "title", "moved", "ended")},
    ("chat.message", "message"): chat_schemas.Message,
}
"""What the JSON API describes and events carry as well."""


@cache
def _adapter(described: type) -> TypeAdapter[Any]:
    return TypeAdapter(described)


def problem_of(kind: str, data: dict[str, Any]) -> str:
    """Tell what of an event differs from its description. Empty when it fits."""
    if kind not in KINDS:
        return f"{kind} is described nowhere"
    if data.keys() != set(fields(kind)):
        return f"{kind} carries {sorted(data)}, not {sorted(fields(kind))}"
    try:
        _adapter(KINDS[kind]).validate_python(data, strict=True)
        for (one, field), described in OBJECTS.items():
            if one == kind:
                _adapter(described).validate_python(data[field], strict=True)
    except ValidationError as error:
        return f"{kind}: {error}"
    return ""


@event.listens_for(Event, "before_insert")
def _hold_to_its_description(_mapper: object, _connection: object, row: Event) -> None:
    if not row.kind.startswith(MADE_UP):
        assert not (problem := problem_of(row.kind, row.data)), problem
