"""Check my set-up: what the server can say of its own parts, and a private room in which a browser tries its way to the audio
server."""

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

EMPTY_S = 20
"""The room of a browser that has gone away without a word closes after this."""
PAGES = 4
"""Who fits in: one that speaks, one that listens, and what is left of a try that failed."""


@dataclass(frozen=True)
class CheckRoom:
    id: str
    speaker_token: str
    listener_token: str


def server_parts_for(user: User) -> ServerParts:
    """How the parts are that a browser cannot try by itself, as far as it concerns this person."""
    return {"noise_remover": _noise_remover(), "recording": _recording_of(user)}


def open_room_for(user: User) -> CheckRoom:
    """Raises TooMany and AudioServerUnreachable."""
    rate_limits.count("setup check", user.id)
    db.session.commit()
    room_id = new_id()
    room = _room(room_id)
    rooms.audio_server().create_room(room, metadata=user.username, keep_s=EMPTY_S, empty_s=EMPTY_S, most_people=PAGES)
    mint = rooms.token_mint()
    return CheckRoom(room_id, mint.check_speaker(room, user.username), mint.check_listener(room, user.username))


def close_room_for(user: User, room_id: str) -> None:
    """Raises NotFound, for somebody else's as for one that is closed already."""
    server, name = rooms.audio_server(), _room(room_id)
    room = server.rooms([name]).get(name)
    if room is None or room.metadata != user.username:
        raise NotFound
    server.delete_room(name)


def _room(room_id: str) -> str:
    return f"check-{room_id}"


def _noise_remover() -> NoiseRemover:
    health = noise_remover.health()
    if health is None or health.slots is None:
        return {"answers": False, "places": 0, "free": 0}
    return {"answers": health.ok, "places": health.slots.total, "free": health.slots.free}


def _recording_of(user: User) -> Recorder:
    """`state` is one of contract.RECORDING_STATES, as a stream that starts now would have it."""
    settings = config.current_config()
    left = quotas.left_for(user, "")
    if not disk.has_room(settings.recordings, settings.low_water_mb):
        return {"state": "failed", "left_bytes": left}
    return {"state": "full" if left == 0 else "on", "left_bytes": left}
