"""Check my set-up: tells how the server's own components are, and gives a browser a private room on the audio server to try."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.accounts import quotas
from webapp.core import config, disk, noise_remover
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.models import User, new_id
from webapp.security import rate_limits
from webapp.streams import rooms
from webapp.streams.schemas import NoiseRemover, Recorder, ServerParts

PREFIX = "check-"
EMPTY_TIMEOUT_S = 20
"""After this time the room of a browser closes that has gone without closing it."""
LASTS_S = 300.0
"""After this time it closes even with people in it; a check takes seconds, and nobody is to meet in such a room."""
MAX_PAGES = 4
"""Participants that fit in: one that speaks, one that listens, and what a failed try has left behind."""


@dataclass(frozen=True)
class CheckRoom:
    id: str
    speaker_token: str
    listener_token: str


def server_parts_for(user: User) -> ServerParts:
    """Return the state of the components that a browser cannot try by itself, as far as it concerns this person."""
    recording = _recording_for(user)
    db.session.commit()
    return {"noise_remover": _noise_remover(), "recording": recording}


def open_room_for(user: User) -> CheckRoom:
    """Make an empty room and two tickets to it. Raises TooMany and AudioServerUnreachable."""
    rate_limits.count("setup check", user.id)
    username, room_id = user.username, new_id()
    db.session.commit()
    room = _room(room_id)
    rooms.audio_server().create_room(
        room, metadata=username, keep_s=EMPTY_TIMEOUT_S, empty_s=EMPTY_TIMEOUT_S, max_people=MAX_PAGES
    )
    mint = rooms.token_mint()
    return CheckRoom(room_id, mint.check_speaker(room), mint.check_listener(room))


def close_room_for(user: User, room_id: str) -> None:
    """Close the room. Raises NotFound for somebody else's and for one that is closed, and AudioServerUnreachable."""
    username = user.username
    db.session.commit()
    server, name = rooms.audio_server(), _room(room_id)
    room = server.rooms([name]).get(name)
    if room is None or room.metadata != username:
        raise NotFound
    server.delete_room(name)


def is_over(room: str, age_s: float) -> bool:
    """Tell whether a room of the audio server is one for a check and has been open for too long."""
    return room.startswith(PREFIX) and age_s > LASTS_S


def _room(room_id: str) -> str:
    return f"{PREFIX}{room_id}"


def _noise_remover() -> NoiseRemover:
    health = noise_remover.health()
    if health is None or health.slots is None:
        return {"answers": False, "places": 0, "free": 0}
    return {"answers": health.ok, "places": health.slots.total, "free": health.slots.free}


def _recording_for(user: User) -> Recorder:
    """Tell whether a stream that starts now would be recorded. `state`: one of contract.messages.RECORDING_STATES."""
    settings = config.current_config()
    left = quotas.left_for(user, "")
    if not disk.has_room(settings.recordings, settings.low_water_mb):
        return {"state": "failed", "left_bytes": left}
    return {"state": "full" if left == 0 else "on", "left_bytes": left}
