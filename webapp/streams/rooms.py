"""The two LiveKit rooms of a stream, as plain values, and the clients that reach the audio server."""

from __future__ import annotations

from dataclasses import dataclass

from contract import messages
from webapp.accounts import quotas
from webapp.audio_server.client import AudioServer
from webapp.audio_server.room_tokens import TokenMint
from webapp.core.config import current_config
from webapp.models import Stream, rfc3339


@dataclass(frozen=True)
class Rooms:
    """What the audio server must know of a stream, as plain values: no database transaction is open during a call."""

    studio: str
    stage: str
    metadata: str
    job: messages.BroadcastJob

    @property
    def names(self) -> tuple[str, str]:
        return self.studio, self.stage

    @classmethod
    def of(cls, stream: Stream) -> Rooms:
        stage = messages.stage_room(stream.room_key, stream.stage_number)
        metadata = messages.StudioMetadata(
            stage=stage,
            live=not stream.sound_check,
            title=stream.title,
            recording_limit=quotas.left_for(stream.owner, stream.id),
        )
        return cls(
            studio=messages.studio_room(stream.room_key),
            stage=stage,
            metadata=metadata.to_json(),
            job=messages.BroadcastJob(
                stream_id=stream.id,
                owner=stream.owner.username,
                title=stream.title,
                started_at=rfc3339(stream.started_at),
                strength_db=stream.strength_db,
                quality=stream.quality,
            ),
        )


def open_rooms(rooms: Rooms) -> None:
    """Both rooms, or what is missing of them. They outlive the broadcaster's grace, which the row alone counts."""
    keep_s = int(current_config().grace_s) + 60
    audio_server().create_room(rooms.studio, metadata=rooms.metadata, keep_s=keep_s)
    audio_server().create_room(rooms.stage, keep_s=keep_s)


def room_key_of(name: str) -> str | None:
    """The stream's key in a room's name; None for a room that is none of ours."""
    kind, _, rest = name.partition("-")
    return rest.partition("-")[0] if kind in ("studio", "stage") else None


def audio_server() -> AudioServer:
    settings = current_config()
    return AudioServer(settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret)


def token_mint() -> TokenMint:
    settings = current_config()
    return TokenMint(settings.livekit_api_key, settings.livekit_api_secret)
