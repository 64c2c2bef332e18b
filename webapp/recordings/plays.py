"""Counts how often and how far friends have listened to a recording. Its owner sees that, and nothing else of what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select

from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.models import Recording, RecordingListen, User, now
from webapp.recordings import queries as recording_queries


def record(listener: User, recording_id: str, position_s: float, *, begins: bool) -> None:
    """Note that the listener has come to `position_s`. Raises NotFound.

    `begins`: for the first time since it was put into the player. Owners are not counted.
    """
    recording = recording_queries.recording_for(listener, recording_id)
    if recording.owner_id == listener.id:
        return
    advisory_lock(AdvisoryLock.PLAYS)
    listen = db.session.get(RecordingListen, (recording.id, listener.id))
    if listen is None:
        listen = RecordingListen(recording_id=recording.id, user_id=listener.id, times=0, furthest=0.0)
        db.session.add(listen)
        begins = True
    listen.times += int(begins)
    listen.furthest = max(listen.furthest, min(position_s, recording.duration))
    listen.last_at = now()
    db.session.commit()


def plays_of(owner: User, recording_id: str) -> tuple[Recording, list[RecordingListen]]:
    """Return who has listened, the latest first. Raises NotFound also for a friend's recording."""
    recording = recording_queries.own_recording(owner, recording_id)
    query = select(RecordingListen).where(RecordingListen.recording_id == recording.id)
    return recording, list(db.session.scalars(query.order_by(RecordingListen.last_at.desc())))


def counts(recordings: Iterable[Recording]) -> Mapping[str, int]:
    """Return how many people have listened to each recording; those that nobody has heard are missing."""
    ids = [recording.id for recording in recordings]
    query = select(RecordingListen.recording_id, func.count()).where(RecordingListen.recording_id.in_(ids))
    return {row[0]: row[1] for row in db.session.execute(query.group_by(RecordingListen.recording_id))}
