"""Reads and writes what a recording says of itself: the sidecar, and the head of the FLAC file."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from contract.fields import DocumentError, read, take, take_number

SAMPLE_RATE = 48_000
MAX_SAMPLES, MAX_SAMPLE_RATE = 2**36 - 1, 655_350
"""What the head of a FLAC file has room for (RFC 9639, 8.2)."""


@dataclass(frozen=True)
class Span:
    """Marks a part of a recording: a gap that was filled with silence, or sound that was not cleaned."""

    start: float  # seconds from the start of the recording
    length: float  # seconds
    cause: str  # one word or short phrase for the person: "connection", "noise remover restarted", "overload"


MANIFEST_STATES = ("live", "closed", "recovered", "truncated")


@dataclass(frozen=True)
class RecordingManifest:
    """Is the sidecar `<stream_id>.json` beside `<stream_id>.flac`. The web app's row is a cache of it."""

    stream_id: str
    owner: str
    title: str
    started_at: str  # RFC 3339, UTC, of the first sample
    state: str  # MANIFEST_STATES
    samples: int  # at the last write; the FLAC header is newer while live
    sample_rate: int = SAMPLE_RATE
    boot_id: str = ""  # /proc/sys/kernel/random/boot_id and CLOCK_BOOTTIME of the first sample: a resumed job fills
    boot_time: float = 0.0  # the time in between by them, or by started_at after a reboot
    gaps: tuple[Span, ...] = field(default=())
    paused: tuple[Span, ...] = field(default=())
    """Spans without noise removal."""
    clip_of: str = ""  # id of the recording that this one is a piece of

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
        data = read(name, text)
        state = take(name, data, "state", str)
        if state not in MANIFEST_STATES:
            raise DocumentError(f"{name}: state is {state!r}, not one of {', '.join(MANIFEST_STATES)}")

        samples, sample_rate = take(name, data, "samples", int), take(name, data, "sample_rate", int)
        if not 0 <= samples <= MAX_SAMPLES or not 1 <= sample_rate <= MAX_SAMPLE_RATE:
            raise DocumentError(f"{name}: no FLAC file has this many samples, or so many a second")

        def spans(key: str) -> tuple[Span, ...]:
            return tuple(
                Span(
                    start=take_number(name, entry, "start"),
                    length=take_number(name, entry, "length"),
                    cause=take(name, entry, "cause", str),
                )
                for entry in take(name, data, key, list)
            )

        return cls(
            stream_id=take(name, data, "stream_id", str),
            owner=take(name, data, "owner", str),
            title=take(name, data, "title", str),
            started_at=take(name, data, "started_at", str),
            state=state,
            samples=samples,
            sample_rate=sample_rate,
            boot_id=take(name, data, "boot_id", str),
            boot_time=take_number(name, data, "boot_time"),
            gaps=spans("gaps"),
            paused=spans("paused"),
            clip_of=take(name, {"clip_of": "", **data}, "clip_of", str),  # older sidecars do not know of clips
        )


RECORDING_HEAD_BYTES = 62
"""First bytes of `<stream_id>.flac` that change while it is written, always in one write."""
PEAK_SAMPLES = 4608
"""`<stream_id>.peaks` beside the sound has one byte for each so many samples: how loud they are at most
(agent/recording/peaks.py)."""
RECORDING_AUDIO_AT = 4096
"""Offset of the first FLAC frame: the head, then padding in which a Vorbis comment block has room."""


@dataclass(frozen=True)
class RecordingHead:
    """Says what is in the file. It is renewed each second while the file is written, and never promises more than is on the disk.

    42 bytes "fLaC" and STREAMINFO (RFC 9639, 8.2), then an APPLICATION block "STLR" of our own with the byte where the
    counted frames end, and a CRC-32 over all before. A reader who stops at `end` has a whole, valid file.
    """

    samples: int
    end: int  # bytes
    min_frame: int = 0  # bytes, 0 = not known
    max_frame: int = 0
    md5: bytes = bytes(16)  # of the samples, zeros = not known
    min_block: int = PEAK_SAMPLES  # samples of the shortest frame, the last one left out; a clip may begin with a short one
    channels: int = 1

    _RATE_BITS = SAMPLE_RATE << 44 | 15 << 36  # 48 kHz, 3 bits for the channels less one, 16 bits; 36 bits for the samples

    def to_bytes(self) -> bytes:
        head = struct.pack(
            ">4sB3sHH3s3sQ16sB3s4sQ",
            b"fLaC",
            0,
            (34).to_bytes(3, "big"),
            self.min_block,
            PEAK_SAMPLES,
            self.min_frame.to_bytes(3, "big"),
            self.max_frame.to_bytes(3, "big"),
            self._RATE_BITS | self.channels - 1 << 41 | self.samples,
            self.md5,
            2,
            (16).to_bytes(3, "big"),
            b"STLR",
            self.end,
        )
        return head + zlib.crc32(head).to_bytes(4, "big")

    def to_header(self) -> bytes:
        """Return all RECORDING_AUDIO_AT bytes before the first frame: the head, and a last metadata block of padding."""
        room = RECORDING_AUDIO_AT - RECORDING_HEAD_BYTES - 4
        return self.to_bytes() + b"\x81" + room.to_bytes(3, "big") + bytes(room)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a head that `to_bytes` made. Raises DocumentError for anything else."""
        head = data[:RECORDING_HEAD_BYTES]
        if len(head) < RECORDING_HEAD_BYTES or zlib.crc32(head[:-4]).to_bytes(4, "big") != head[-4:] or head[:4] != b"fLaC":
            raise DocumentError("recording: its head is not one of Stillair's, or is damaged")
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
