"""Tells pages about recordings that appear, change or go."""

from __future__ import annotations

from typing import Any

from webapp.events.outbox import publish
from webapp.models import Recording
from webapp.recordings import sharing


def announce(kind: str, recording: Recording, data: dict[str, Any]) -> None:
    publish([recording.owner_id, *sharing.hearers(recording)], kind, data)


def announcement(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "username": recording.owner.username,
        "title": recording.title,
        "duration": round(recording.duration, 3),
    }
