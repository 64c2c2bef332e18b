"""Shows recordings as the JSON API has them."""

from __future__ import annotations

from typing import cast

from flask import url_for

from webapp.models import Recording, User, rfc3339
from webapp.recordings import schemas, sharing


def as_json(recording: Recording, viewer: User) -> schemas.Recording:
    """Return a recording for the viewer. Only the owner is told with whom it is shared."""
    shown: schemas.Recording = {
        "id": recording.id,
        "title": recording.title,
        "owner": recording.owner.username,
        "started_at": rfc3339(recording.started_at),
        "duration": round(recording.duration, 3),
        "size": recording.size,
        "state": recording.state,
        "gaps": cast(list[schemas.Span], recording.gaps),
        "paused": cast(list[schemas.Span], recording.paused),
        "clip_of": recording.clip_of or None,
        "audio_url": audio_url(recording),
    }
    if viewer.id == recording.owner_id:
        shown["audience"] = recording.audience
        shown["usernames"] = list(sharing.audience_of(recording).usernames)
    return shown


def audio_url(recording: Recording) -> str:
    """Return the address of the sound.

    While recording, it changes with the size; under an unchanged address the browser would replay its shorter cached copy.
    """
    version = recording.size if recording.state == "live" else None
    return url_for("api_recordings.audio", recording_id=recording.id, v=version)
