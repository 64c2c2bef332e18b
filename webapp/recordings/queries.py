"""Reads recordings from the database, with the access rule in one place."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from contract.recording import SAMPLE_RATE
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.models import Recording, Stream, User, now
from webapp.recordings import sharing, waveform
from webapp.recordings.files import RecordingFiles
from webapp.recordings.sound import Sound

log = logging.getLogger(__name__)


UNDO = timedelta(seconds=10)


def folder() -> RecordingFiles:
    return current_app.extensions["recordings"]  # type: ignore[no-any-return]


# --- Questions


def recording_for(viewer: User, recording_id: str) -> Recording:
    """Return one's own recording, or one that a friend shares. Raises NotFound."""
    recording = db.session.get(Recording, recording_id)
    if recording is None or recording.deleted_at is not None or not sharing.may_hear(viewer, recording):
        raise NotFound
    return fresh([recording])[0]


def own_recording(owner: User, recording_id: str) -> Recording:
    """Return one's own recording. Raises NotFound also for a friend's."""
    recording = recording_for(owner, recording_id)
    if recording.owner_id != owner.id:
        raise NotFound
    return recording


def just_deleted(owner: User) -> Recording | None:
    """Return the recording that Undo would bring back, if any."""
    query = select(Recording).where(Recording.owner_id == owner.id, Recording.deleted_at > now() - UNDO)
    return db.session.scalar(query.order_by(Recording.deleted_at.desc(), Recording.clip_of).limit(1))


def sound_of(recording: Recording) -> Sound:
    """Open the sound as it is at this moment, for the caller to close. Raises NotFound when the file is gone."""
    sound = folder().sound(recording.id)
    if sound is None:
        log.error("a recording's sound file is missing", extra={"recording": recording.id})
        raise NotFound(_("The sound of this recording is missing on the server. Its admin can look for the file."))
    return sound


def peaks_of(recording: Recording) -> bytes:
    """Return how loud it is from beginning to end, in at most PLAYER_BARS steps of 0 to 255; empty before somebody has measured
    it.
    """
    return waveform.reduced(folder().peaks(recording.id), waveform.PLAYER_BARS)


def fresh(recordings: Iterable[Recording]) -> list[Recording]:
    """Return the recordings with the length that those being recorded have at this moment. Their rows learn it at the end."""
    found = list(recordings)
    for recording in found:
        if recording.state == "live" and (sound := folder().sound(recording.id)):
            with sound:
                set_committed_value(recording, "duration", sound.samples / SAMPLE_RATE)
                set_committed_value(recording, "size", sound.size)
    return found


def clips_of(recording: Recording) -> list[Recording]:
    """Return the clips of a recording that are in the list. They hold its sound, so they go when it goes."""
    pieces = select(Recording).where(Recording.clip_of == recording.id, Recording.deleted_at.is_(None))
    return list(db.session.scalars(pieces))


def is_recorded(recording: Recording) -> bool:
    """Return whether it is being recorded now."""
    return recording.state == "live" and stream_runs(recording.id)


def stream_runs(stream_id: str) -> bool:
    stream = db.session.get(Stream, stream_id)
    return stream is not None and stream.state != "ended"
