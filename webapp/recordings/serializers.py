"""Recordings as the JSON API shows them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from webapp.models import Recording, User, rfc3339
from webapp.recordings import sharing


def as_json(recording: Recording, viewer: User) -> dict[str, Any]:
    """With whom it is shared is told to the owner only."""
    shared = {}
    if viewer.id == recording.owner_id:
        shared = {"audience": recording.audience, "usernames": list(sharing.audience_of(recording).usernames)}
    return {
        "id": recording.id,
        "title": recording.title,
        "owner": recording.owner.username,
        "started_at": rfc3339(recording.started_at),
        "duration": round(recording.duration, 3),
        "size": recording.size,
        "state": recording.state,
        "gaps": recording.gaps,
        "paused": recording.paused,
        "clip_of": recording.clip_of or None,
        "audio_url": audio_url(recording),
        **shared,
    }


def audio_url(recording: Recording) -> str:
    """A new one whenever a recording that still grows has become longer: a page plays what it knows of an old one again."""
    version = recording.size if recording.state == "live" else None
    return url_for("api_recordings.audio", recording_id=recording.id, v=version)
