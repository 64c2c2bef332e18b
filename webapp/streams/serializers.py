"""Streams and tickets as the JSON API shows them."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.core.config import current_config
from webapp.models import Stream, rfc3339
from webapp.streams import schemas


@dataclass(frozen=True)
class Ticket:
    """Admits one person to one room of a stream."""

    stream: schemas.Stream
    token: str


def as_json(stream: Stream) -> schemas.Stream:
    return {
        "id": stream.id,
        "title": stream.title,
        "state": stream.state,
        "sound_check": stream.sound_check,
        "quality": stream.quality,
        "started_at": rfc3339(stream.live_at or stream.started_at),
    }


def ticket_json(ticket: Ticket, host: str) -> schemas.Ticket:
    """Return what `room.connect(url, token)` of livekit-client needs. `host`: the request's Host header."""
    return {"stream": ticket.stream, "url": current_config().audio_url_for(host), "token": ticket.token}
