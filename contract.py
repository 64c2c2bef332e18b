"""What the web app and the agent agree on: names, room names, and the three documents that pass between them.

Standard library only, so that neither side pulls in the other's dependencies.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

AGENT_NAME = "noise-remover"
"""Name that dispatches ask for, and the agent's identity in the studio and on the stage (a new agent evicts a dead one)."""

SAMPLE_RATE = 48_000

# Attributes of the participant `noise-remover` in the studio. The web app reads `beat` and `removed_db`, the page the rest.
ATTRIBUTE_STATE = "state"              # AGENT_STATES
ATTRIBUTE_STRENGTH = "strength_db"     # "0" to "100"
ATTRIBUTE_RECORDING = "recording"      # RECORDING_STATES
ATTRIBUTE_BEAT = "beat"                # changes every 2 s while the agent lives
ATTRIBUTE_DELAY = "delay_ms"           # age of the voice when it leaves the noise remover, "" at first; on the stage, too
ATTRIBUTE_REMOVED = "removed_db"       # how much noise is removed, at every beat; the page has finer readings
ATTRIBUTE_STAGE = "stage"              # room that carries the clean track now, "" before the first

AGENT_STATES = ("starting", "cleaning", "paused", "silenced", "music")
"""paused: the original sound is sent; silenced: it is not cleaned either, and silence is sent, for the setting says so; music: it
is passed on as it is, for that was chosen before the start."""
RECORDING_STATES = ("on", "off", "failed", "full")     # full: its owner may have no more; failed: the disk takes no more

# RPC methods of the agent in the studio; only the broadcaster may call them. Payload and answer are JSON.
RPC_SET_STRENGTH = "set_strength"      # {"strength_db": 0..100} -> {"strength_db": ...}
RPC_SET_BYPASS = "set_bypass"          # {"bypass": bool} -> {"bypass": ...}
RPC_SET_UPLINK = "set_uplink"          # {"delay_ms": 0..10000} from the mouth to the audio server -> {"delay_ms": ...}
RPC_SET_MONITOR = "set_monitor"        # {"original": bool}: publish the delay-matched original into the studio, or stop

METER_TOPIC = "meter"
"""Data packets from the agent to the broadcaster, ten a second: {"removed_db": 18.2, "level_db": -23.0, "seconds": 12.4}."""


@dataclass(frozen=True)
class Quality:
    """What a broadcaster chooses for a whole stream."""

    bit_rate: int             # bit/s of Opus, from the broadcaster to the audio server and from the noise remover to the stage
    channels: int = 1
    is_cleaned: bool = True
    is_sent_twice: bool = False       # RED (RFC 2198) against loss: doubles what goes over the line, and carries one channel only


QUALITIES = {
    "voice": Quality(32_000),         # for thin lines
    "standard": Quality(64_000, is_sent_twice=True),
    "music": Quality(128_000, channels=2, is_cleaned=False),        # noise removal is made for speech, and thins music out
}
USUAL_QUALITY = "standard"


class ContractError(ValueError):
    """A document from the other side cannot be read. The message names the document and the field."""


def studio_room(room_key: str) -> str:
    """Room of the broadcaster and the agent. `room_key`: 32 hex digits (128 random bits)."""
    return f"studio-{room_key}"


def stage_room(room_key: str, number: int) -> str:
    """Room of the agent and the listeners; `number` counts up whenever somebody is shut out."""
    return f"stage-{room_key}-{number}"


def _read(document: str, text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ContractError(f"{document} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ContractError(f"{document} is not a JSON object")
    return data


def _take(document: str, data: Mapping[str, Any], name: str, *kinds: type) -> Any:
    value = data.get(name)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ContractError(f"{document}: {name} is {value!r}, not {' or '.join(kind.__name__ for kind in kinds)}")
    return value


@dataclass(frozen=True)
class BroadcastJob:
    """Metadata of a dispatch: what the agent must know before it has joined the studio."""

    stream_id: str
    owner: str                # user name, and the broadcaster's identity in the studio
    title: str
    started_at: str           # RFC 3339, UTC
    strength_db: float
    quality: str = USUAL_QUALITY      # of QUALITIES

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        name = "broadcast job"
        data = _read(name, text)
        quality = _take(name, {"quality": USUAL_QUALITY, **data}, "quality", str)       # older web apps do not know of it
        if quality not in QUALITIES:
            raise ContractError(f"{name}: quality is {quality!r}, not one of {', '.join(QUALITIES)}")
        return cls(
            stream_id=_take(name, data, "stream_id", str),
            owner=_take(name, data, "owner", str),
            title=_take(name, data, "title", str),
            started_at=_take(name, data, "started_at", str),
            strength_db=float(_take(name, data, "strength_db", int, float)),
            quality=quality,
        )


@dataclass(frozen=True)
class StudioMetadata:
    """Metadata of the studio room, written by the web app and followed by the agent while it runs."""

    stage: str                # room that shall carry the clean track
    live: bool                # False in a sound check: nothing is recorded
    title: str
    recording_limit: int | None = None      # bytes that the recording may have; None: as many as the disk

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        name = "studio metadata"
        data = _read(name, text)
        return cls(
            stage=_take(name, data, "stage", str),
            live=_take(name, data, "live", bool),
            title=_take(name, data, "title", str),
            recording_limit=_take(name, data, "recording_limit", int, type(None)),
        )


@dataclass(frozen=True)
class Span:
    """Part of a recording: a gap that was filled with silence, or sound that was not cleaned."""

    start: float              # seconds from the start of the recording
    length: float             # seconds
    cause: str                # one word or short phrase for the person: "connection", "noise remover restarted", "overload"


MANIFEST_STATES = ("live", "closed", "recovered", "truncated")


@dataclass(frozen=True)
class RecordingManifest:
    """The sidecar `<stream_id>.json` beside `<stream_id>.flac`; the web app's row is a cache of it."""

    stream_id: str
    owner: str
    title: str
    started_at: str           # RFC 3339, UTC, of the first sample
    state: str                # MANIFEST_STATES
    samples: int              # at the last write; the FLAC header is newer while live
    sample_rate: int = SAMPLE_RATE
    boot_id: str = ""         # /proc/sys/kernel/random/boot_id and CLOCK_BOOTTIME of the first sample: a resumed job fills
    boot_time: float = 0.0    # the time in between by them, or by started_at after a reboot
    gaps: tuple[Span, ...] = field(default=())
    paused: tuple[Span, ...] = field(default=())
    """Spans without noise removal."""
    clip_of: str = ""         # id of the recording that this one is a piece of

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate

    def with_(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        name = "recording manifest"
        data = _read(name, text)
        state = _take(name, data, "state", str)
        if state not in MANIFEST_STATES:
            raise ContractError(f"{name}: state is {state!r}, not one of {', '.join(MANIFEST_STATES)}")

        def spans(key: str) -> tuple[Span, ...]:
            return tuple(
                Span(
                    start=float(_take(name, entry, "start", int, float)),
                    length=float(_take(name, entry, "length", int, float)),
                    cause=_take(name, entry, "cause", str),
                )
                for entry in _take(name, data, key, list)
            )

        return cls(
            stream_id=_take(name, data, "stream_id", str),
            owner=_take(name, data, "owner", str),
            title=_take(name, data, "title", str),
            started_at=_take(name, data, "started_at", str),
            state=state,
            samples=_take(name, data, "samples", int),
            sample_rate=_take(name, data, "sample_rate", int),
            boot_id=_take(name, data, "boot_id", str),
            boot_time=float(_take(name, data, "boot_time", int, float)),
            gaps=spans("gaps"),
            paused=spans("paused"),
            clip_of=_take(name, {"clip_of": "", **data}, "clip_of", str),      # older sidecars do not know of clips
        )


RECORDING_HEAD_BYTES = 62
"""First bytes of `<stream_id>.flac` that change while it is written, always in one write."""
PEAK_SAMPLES = 4608
"""`<stream_id>.peaks` beside the sound has one byte for each so many samples: how loud they are at most (agent/peaks.py)."""
RECORDING_AUDIO_AT = 4096
"""Offset of the first FLAC frame: the head, then padding in which a Vorbis comment block has room."""


@dataclass(frozen=True)
class RecordingHead:
    """What the file says of itself, renewed each second while it is written; it never promises more than is on the disk.

    42 bytes "fLaC" and STREAMINFO (RFC 9639, 8.2), then an APPLICATION block "STLR" of our own with the byte where the
    counted frames end, and a CRC-32 over all before. A reader who stops at `end` has a whole, valid file.
    """

    samples: int
    end: int                  # bytes
    min_frame: int = 0        # bytes, 0 = not known
    max_frame: int = 0
    md5: bytes = bytes(16)    # of the samples, zeros = not known
    min_block: int = PEAK_SAMPLES       # samples of the shortest frame, the last one left out; a clip may begin with a short one
    channels: int = 1

    _RATE_BITS = SAMPLE_RATE << 44 | 15 << 36       # 48 kHz, 3 bits for the channels less one, 16 bits; 36 bits for the samples

    def to_bytes(self) -> bytes:
        head = struct.pack(
            ">4sB3sHH3s3sQ16sB3s4sQ",
            b"fLaC", 0, (34).to_bytes(3, "big"), self.min_block, PEAK_SAMPLES,
            self.min_frame.to_bytes(3, "big"), self.max_frame.to_bytes(3, "big"),
            self._RATE_BITS | self.channels - 1 << 41 | self.samples, self.md5,
            2, (16).to_bytes(3, "big"), b"STLR", self.end,
        )
        return head + zlib.crc32(head).to_bytes(4, "big")

    def to_header(self) -> bytes:
        """All that stands before the first frame, RECORDING_AUDIO_AT bytes: the head, and a last metadata block of padding."""
        room = RECORDING_AUDIO_AT - RECORDING_HEAD_BYTES - 4
        return self.to_bytes() + b"\x81" + room.to_bytes(3, "big") + bytes(room)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ContractError for anything but a head that `to_bytes` made."""
        head = data[:RECORDING_HEAD_BYTES]
        if len(head) < RECORDING_HEAD_BYTES or zlib.crc32(head[:-4]).to_bytes(4, "big") != head[-4:] or head[:4] != b"fLaC":
            raise ContractError("recording: its head is not one of Stillair's, or is damaged")
        packed = int.from_bytes(head[18:26], "big")
        return cls(
            samples=packed & (1 << 36) - 1,
            end=int.from_bytes(head[50:58], "big"),
            min_frame=int.from_bytes(head[12:15], "big"),
            max_frame=int.from_bytes(head[15:18], "big"),
            md5=head[26:42],
            min_block=int.from_bytes(head[8:10], "big"),
            channels=(packed >> 41 & 7) + 1,
        )
