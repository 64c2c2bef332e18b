"""Reads streams from the database."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.models import Stream, User

# --- Questions


def running_stream_of(owner: User) -> Stream | None:
    """The owner's stream that has not ended, on air or not."""
    return db.session.scalar(select(Stream).where(Stream.owner_id == owner.id, Stream.state != "ended"))


def on_air_streams(owner_ids: Iterable[int]) -> dict[int, Stream]:
    """The streams of these people that friends see, by owner."""
    query = select(Stream).where(Stream.owner_id.in_(list(owner_ids)), Stream.state != "ended", Stream.live_at.is_not(None))
    return {stream.owner_id: stream for stream in db.session.scalars(query)}


def running_streams() -> list[Stream]:
    """All that have not ended, the longest first."""
    query = select(Stream).where(Stream.state != "ended").order_by(Stream.started_at, Stream.id)
    return list(db.session.scalars(query.options(joinedload(Stream.owner))))


def running_for(owner: User) -> Stream:
    """Raises NotFound when the owner is not streaming."""
    stream = running_stream_of(owner)
    if stream is None:
        raise NotFound(_("You are not streaming."))
    return stream
