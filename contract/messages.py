"""Declares what the web app and the agent agree on: names, room names, and the documents that pass between them.

Standard library only, so that neither side pulls in the other's dependencies.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from contract.fields import DocumentError, read, take, take_number

AGENT_NAME = "noise-remover"
"""Name that dispatches ask for, and the agent's identity in the studio and on the stage (a new agent evicts a dead one)."""

BROADCASTER = "broadcaster"
"""Identity of the broadcaster in every studio. It names nobody, and a second tab of theirs takes over from the first."""

# Attributes of the participant `noise-remover` in the studio. The web app reads `beat` and `removed_db`, the page the rest.
ATTRIBUTE_STATE = "state"  # AGENT_STATES
ATTRIBUTE_STRENGTH = "strength_db"  # "0" to "100"
ATTRIBUTE_RECORDING = "recording"  # RECORDING_STATES
ATTRIBUTE_BEAT = "beat"  # changes every 2 s while the agent lives
ATTRIBUTE_DELAY = "delay_ms"  # age of the voice when it leaves the noise remover, "" at first; on the stage, too
ATTRIBUTE_REMOVED = "removed_db"  # how much noise is removed, at every beat; the page has finer readings
ATTRIBUTE_STAGE = "stage"  # room that carries the clean track now, "" before the first

AGENT_STATES = ("starting", "cleaning", "paused", "silenced", "music")
"""paused: the original sound is sent; silenced: it is not cleaned either, and silence is sent, for the setting says so; music: it
is passed on as it is, for that was chosen before the start."""
RECORDING_STATES = ("on", "off", "failed", "full")  # full: its owner may have no more; failed: the disk takes no more

# RPC methods of the agent in the studio; only the broadcaster may call them. Payload and answer are JSON.
RPC_SET_STRENGTH = "set_strength"  # {"strength_db": 0..100} -> {"strength_db": ...}
RPC_SET_BYPASS = "set_bypass"  # {"bypass": bool} -> {"bypass": ...}
RPC_SET_UPLINK = "set_uplink"  # {"delay_ms": 0..10000} from the mouth to the audio server -> {"delay_ms": ...}
RPC_SET_MONITOR = "set_monitor"  # {"original": bool}: publish the delay-matched original into the studio, or stop

METER_TOPIC = "meter"
"""Data packets from the agent to the broadcaster, ten a second: {"removed_db": 18.2, "level_db": -23.0, "seconds": 12.4}."""


@dataclass(frozen=True)
class Quality:
    """Holds what a broadcaster chooses for a whole stream."""

    bit_rate: int  # bit/s of Opus, from the broadcaster to the audio server and from the noise remover to the stage
    channels: int = 1
    is_cleaned: bool = True
    is_sent_twice: bool = False  # RED (RFC 2198) against loss: doubles what goes over the line, and carries one channel only


QUALITIES = {
    "voice": Quality(32_000),  # for thin lines
    "standard": Quality(64_000, is_sent_twice=True),
    "music": Quality(128_000, channels=2, is_cleaned=False),  # noise removal is made for speech, and thins music out
}
USUAL_QUALITY = "standard"


def studio_room(room_key: str, number: int) -> str:
    """Return the room of the broadcaster and the agent.

    `room_key`: 32 hex digits (128 random bits). `number` counts up whenever a log-in has ended that held a ticket to it.
    """
    return f"studio-{room_key}-{number}"


def stage_room(room_key: str, number: int) -> str:
    """Return the room of the agent and the listeners. `number` counts up whenever somebody is shut out."""
    return f"stage-{room_key}-{number}"


@dataclass(frozen=True)
class BroadcastJob:
    """Is the metadata of a dispatch: what the agent must know before it has joined the studio."""

    stream_id: str
    owner: str  # user name
    title: str
    started_at: str  # RFC 3339, UTC
    strength_db: float
    quality: str = USUAL_QUALITY  # of QUALITIES

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        name = "broadcast job"
        data = read(name, text)
        quality = take(name, {"quality": USUAL_QUALITY, **data}, "quality", str)  # older web apps do not know of it
        if quality not in QUALITIES:
            raise DocumentError(f"{name}: quality is {quality!r}, not one of {', '.join(QUALITIES)}")
        return cls(
            stream_id=take(name, data, "stream_id", str),
            owner=take(name, data, "owner", str),
            title=take(name, data, "title", str),
            started_at=take(name, data, "started_at", str),
            strength_db=take_number(name, data, "strength_db"),
            quality=quality,
        )


@dataclass(frozen=True)
class StudioMetadata:
    """Is the metadata of the studio room. The web app writes it, and the agent follows it while it runs."""

    stage: str  # room that shall carry the clean track
    live: bool  # False in a sound check: nothing is recorded
    title: str
    recording_limit: int | None = None  # bytes that the recording may have; None: as many as the disk

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        name = "studio metadata"
        data = read(name, text)
        return cls(
            stage=take(name, data, "stage", str),
            live=take(name, data, "live", bool),
            title=take(name, data, "title", str),
            recording_limit=take(name, data, "recording_limit", int, type(None)),
        )
