"""Tells pages about recordings that appear, change or go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from webapp.events.outbox import publish, take_back
from webapp.models import Event, Recording
from webapp.recordings import sharing


def announce_ready(recording: Recording, user_ids: Iterable[int] | None = None) -> None:
    """Tell these people, else all who may hear it, that it can be played. The caller commits."""
    told = {recording.owner_id, *sharing.hearers(recording)} if user_ids is None else user_ids
    publish(told, "recording.ready", announcement(recording), author=recording.owner, about=recording.id)


def announce_removed(recording: Recording, user_ids: Iterable[int] | None = None) -> None:
    """Tell these people, else all who could hear it, that it is gone, and take back what they were told of it."""
    told = {recording.owner_id, *sharing.hearers(recording)} if user_ids is None else set(user_ids)
    take_back(Event.about == recording.id, Event.kind == "recording.ready", Event.user_id.in_(told))
    publish(told, "recording.removed", {"id": recording.id})


def announcement(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "username": recording.owner.username,
        "title": recording.title,
        "duration": round(recording.duration, 3),
    }
