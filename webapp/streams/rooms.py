"""The two LiveKit rooms of a stream, as plain values, and the clients that reach the audio server.

Nothing here reads the database: `webapp.streams.queries.rooms_of` builds the values, the caller ends the transaction, and only
then is the audio server asked (webapp.core.database.refuse_open_transaction).
"""

from __future__ import annotations

from dataclasses import dataclass

from contract import messages
from webapp.audio_server.client import AudioServer
from webapp.audio_server.room_tokens import TokenMint
from webapp.core.config import current_config

KEPT_BEYOND_GRACE_S = 60


@dataclass(frozen=True)
class Rooms:
    """What the audio server has to know about a stream."""

    studio: str
    stage: str
    metadata: str  # of the studio
    job: messages.BroadcastJob

    @property
    def names(self) -> tuple[str, str]:
        return self.studio, self.stage

    @property
    def stream_id(self) -> str:
        return self.job.stream_id


def open_rooms(rooms: Rooms) -> None:
    """Make both rooms, or the one that is missing. Raises AudioServerUnreachable.

    Rooms are kept longer than a broadcaster may be away, because only the row in the database decides when that time is over.
    """
    keep_s = int(current_config().grace_s) + KEPT_BEYOND_GRACE_S
    audio_server().create_room(rooms.studio, metadata=rooms.metadata, keep_s=keep_s)
    audio_server().create_room(rooms.stage, keep_s=keep_s)


def close_rooms(rooms: Rooms) -> None:
    """Send everybody out of both rooms and delete them. Raises AudioServerUnreachable."""
    audio_server().delete_room(rooms.studio)
    audio_server().delete_room(rooms.stage)


def close_left_room(name: str) -> None:
    """Close a room of a stream that goes on in another one. Raises AudioServerUnreachable.

    The noise remover is sent out first: one that sees its studio end takes the stream for over, and finishes the recording.
    """
    if name.startswith("studio-"):
        audio_server().remove(name, messages.AGENT_NAME)
    audio_server().delete_room(name)


def room_key_of(name: str) -> str | None:
    """Return the stream's key from the name of a room, or None if the room is not one of ours."""
    kind, _, rest = name.partition("-")
    return rest.partition("-")[0] if kind in ("studio", "stage") else None


def audio_server() -> AudioServer:
    settings = current_config()
    return AudioServer(settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret)


def token_mint() -> TokenMint:
    settings = current_config()
    return TokenMint(settings.livekit_api_key, settings.livekit_api_secret)
