"""One voice's place at the desk: its frames wait here for the next tick, and from here it is controlled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.voice.clean_voices import Rows
from agent.voice.frames import FRAME, Int16
from agent.voice.meters import Decibels


class Voices(Protocol):
    """Declares what the desk needs of agent.voice.clean_voices.CleanVoices and agent.voice.pass_through.PassThrough."""

    channels: int
    latency_samples: int

    def __len__(self) -> int: ...

    def join(self, *, strength_db: float, never_original: bool = False) -> int: ...

    def leave(self, row: int) -> None: ...

    def set_strength(self, row: int, strength_db: float) -> None: ...

    def set_bypass(self, row: int, on: bool) -> None: ...

    def set_overloaded(self, row: int, on: bool) -> None: ...

    def paused(self, row: int) -> str | None: ...

    def silenced(self, row: int) -> bool: ...

    def are_calm(self, rows: Rows) -> bool: ...

    def read_meters(self, rows: Rows) -> tuple[Decibels, Decibels]: ...

    def silent_frames(self, rows: Rows) -> NDArray[np.int32]: ...

    def process(self, rows: Rows, frames: Int16) -> tuple[Int16, Int16]: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """Holds what the desk has made of a frame. The arrays may be kept."""

    heard: Int16
    original: Int16  # of the same moment
    silent_frames: int  # that came in, up to the newest
    paused: str | None  # why it was not cleaned
    silenced: bool  # whether silence is heard instead


Sink = Callable[[Frame], None]
"""Takes a voice's frames, each on the desk's thread. Must not wait."""
Failed = Callable[[Exception], None]
"""Is told, on the desk's thread, that the sink has raised and the voice was taken off the desk."""


@dataclass(frozen=True)
class Reading:
    """Holds what a voice's meters read."""

    level_db: float
    removed_db: float


_SLOTS = 2 * MAX_QUEUED_FRAMES
"""More than may wait, so that a frame that was just taken is not overwritten while it is copied."""


class Queue:
    """Holds the frames of one voice that wait for the desk, at most 100 ms of them: then the oldest are given up. Belongs to who
    holds the desk's lock."""

    def __init__(self, channels: int) -> None:
        shape = (_SLOTS, FRAME) if channels == 1 else (_SLOTS, FRAME, channels)
        self._frames: Int16 = np.zeros(shape, np.int16)
        self._arrived = [0.0] * _SLOTS
        self._first = 0
        self.length = 0
        self.lost = 0
        self.late_s = 0.0

    def put(self, frame: Int16, now: float) -> None:
        """Takes a copy of a frame."""
        if self.length == MAX_QUEUED_FRAMES:
            self._first = (self._first + 1) % _SLOTS
            self.length -= 1
            self.lost += 1
        at = (self._first + self.length) % _SLOTS
        self._frames[at] = frame
        self._arrived[at] = now
        self.length += 1

    def take(self, now: float) -> Int16:
        """Returns the oldest frame, valid until ten more have come. There must be one."""
        at = self._first
        self._first = (at + 1) % _SLOTS
        self.length -= 1
        self.late_s = now - self._arrived[at]
        frame: Int16 = self._frames[at]
        return frame


class Seat:
    """Belongs to the desk, but for what it shows: that may be read by any thread."""

    def __init__(self, voices: Voices, row: int, sink: Sink, on_failed: Failed) -> None:
        self.voices = voices
        self.row = row
        self.sink = sink
        self.on_failed = on_failed
        self.queue = Queue(voices.channels)
        self.missed_ticks = 0
        """How many ticks in succession had no frame of this voice."""
        self.frames = 0
        self.is_open = True
        self.reading = Reading(-100.0, 0.0)
        """What the meters read, anew ten times a second while there is sound."""

    @property
    def latency_samples(self) -> int:
        return self.voices.latency_samples

    @property
    def lost(self) -> int:
        """Frames given up, because the desk did not take them in time."""
        return self.queue.lost

    @property
    def late_s(self) -> float:
        """How long the newest frame has waited for the desk."""
        return self.queue.late_s
