"""Reads streams from the database."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import literal, select
from sqlalchemy.orm import joinedload

from contract import messages
from webapp.accounts import quotas
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.friends import relations
from webapp.models import RUNNING, Stream, User, rfc3339
from webapp.streams.rooms import Rooms


def running_stream_of(owner: User) -> Stream | None:
    """Return the owner's stream that has not ended, on air or not."""
    return db.session.scalar(select(Stream).where(Stream.owner_id == owner.id, RUNNING))


def running_for(owner: User) -> Stream:
    """Return the owner's stream that has not ended. Raises NotFound if there is none."""
    stream = running_stream_of(owner)
    if stream is None:
        raise NotFound(_("You are not streaming."))
    return stream


def running_streams_of(owner_ids: Iterable[int]) -> list[Stream]:
    """Return the streams of these people that have not ended, on air or not."""
    return list(db.session.scalars(select(Stream).where(Stream.owner_id.in_(list(owner_ids)), RUNNING)))


def on_air_stream_of(owner: User) -> Stream | None:
    """Return the stream that the owner's friends see, if there is one."""
    stream = running_stream_of(owner)
    return stream if stream is not None and stream.is_on_air else None


def running_around(user: User) -> dict[int, Stream]:
    """Map the user, and every friend who is on air, to the stream that has not ended."""
    around = relations.friend_ids_query(user.id).union_all(select(literal(user.id)))
    found = db.session.scalars(select(Stream).where(Stream.owner_id.in_(around), RUNNING))
    return {stream.owner_id: stream for stream in found if stream.is_on_air or stream.owner_id == user.id}


def running_streams() -> list[Stream]:
    """Return all streams that have not ended, the longest-running first."""
    query = select(Stream).where(RUNNING).order_by(Stream.started_at, Stream.id)
    return list(db.session.scalars(query.options(joinedload(Stream.owner))))


def stage_of(stream: Stream) -> str:
    """Return the name of the LiveKit room in which friends hear the stream."""
    return messages.stage_room(stream.room_key, stream.stage_number)


def studio_of(stream: Stream) -> str:
    """Return the name of the LiveKit room of the broadcaster and the noise remover."""
    return messages.studio_room(stream.room_key, stream.studio_number)


def rooms_of(stream: Stream) -> Rooms:
    """Collect what the audio server has to know about the stream. Commit before you tell it."""
    stage = stage_of(stream)
    metadata = messages.StudioMetadata(
        stage=stage,
        live=not stream.sound_check,
        title=stream.title,
        recording_limit=quotas.left_for(stream.owner, stream.id),
    )
    return Rooms(
        studio=studio_of(stream),
        stage=stage,
        metadata=metadata.to_json(),
        job=messages.BroadcastJob(
            stream_id=stream.id,
            owner=stream.owner.username,
            title=stream.title,
            started_at=rfc3339(stream.started_at),
            strength_db=stream.strength_db,
            quality=stream.quality,
        ),
    )
