"""Puts sound into a recording where it belongs by the time of its arrival. What is missing in between is a gap: silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.recording.sound_queue import Chunk
from contract.recording import SAMPLE_RATE

MIN_GAP_SAMPLES = SAMPLE_RATE // 4
MAX_GAP_SAMPLES = 12 * 3600 * SAMPLE_RATE  # a clock that was set wrong must not fill the disk with silence
SURE_GAP_SAMPLES = SAMPLE_RATE
SETTLE_S = 0.3  # a shorter gap is none if its sound still comes within this time, late and in a burst

CAUSE_CONNECTION = "connection"
CAUSE_RESTART = "noise remover restarted"
CAUSE_SLOW_DISK = "disk too slow"
CAUSE_DISK = "disk full or not writable"
CAUSE_QUOTA = "space for recordings used up"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_time() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


class Timeline:
    """Keeps the start of one recording and the cause of its next gap. Only the writer's thread uses it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: boot time in seconds."""
        self._clock = clock
        self._origin: float | None = None
        self._gap_cause = CAUSE_CONNECTION

    @property
    def origin(self) -> float | None:
        """Boot time of the first sample; None before it."""
        return self._origin

    @property
    def started_at(self) -> str:
        """The origin on the wall clock: RFC 3339, UTC."""
        moment = datetime.now(UTC) - timedelta(seconds=self._clock() - (self._origin or 0.0))
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def begin(self, first: Chunk) -> float:
        """Lets the recording begin with this chunk. Returns the origin."""
        self._origin = first.ended_at - len(first.samples) / SAMPLE_RATE
        return self._origin

    def resume_now(self, samples: int) -> float:
        """Continues a recording of this length as if there were no time in between. Returns the origin."""
        self._origin = self._clock() - samples / SAMPLE_RATE
        return self._origin

    def resume_at(self, origin: float) -> float:
        """Continues a recording that began at this boot time."""
        self._origin = origin
        return self._origin

    def resume_since(self, started_at: str) -> float:
        """Continues a recording that began before the machine was started again. Returns the origin."""
        self._origin = self._clock() - _seconds_since(started_at)
        return self._origin

    def expect_gap(self, cause: str) -> None:
        """Names the cause of the next gap."""
        self._gap_cause = cause

    def take_gap_cause(self) -> str:
        """Returns the cause of the gap that begins now. That of the next one is the usual cause again."""
        cause, self._gap_cause = self._gap_cause, CAUSE_CONNECTION
        return cause

    def gap_before(self, chunk: Chunk, position: int, sound_until: Callable[[float], list[Chunk] | None]) -> int | None:
        """Samples of silence to fill in before `chunk`, which would be written at sample `position`.

        Returns None while that cannot be told, because late sound may still come in a burst. `sound_until`: the chunks that have
        arrived up to a time, from `chunk` on, or None while there may be more.
        """
        missing = self._missing_before(chunk, position)
        if MIN_GAP_SAMPLES < missing <= SURE_GAP_SAMPLES:
            settled_at = chunk.ended_at + SETTLE_S
            arrived = sound_until(settled_at)
            if arrived is None:
                return None
            for late in arrived:
                missing = min(missing, self._missing_before(late, position))
                position += len(late.samples)
        return min(missing, MAX_GAP_SAMPLES) if missing > MIN_GAP_SAMPLES else 0

    def _missing_before(self, chunk: Chunk, position: int) -> int:
        if self._origin is None:
            raise RuntimeError("the recording has not begun")
        return round((chunk.ended_at - self._origin) * SAMPLE_RATE) - len(chunk.samples) - position


def _seconds_since(started_at: str) -> float:
    """Returns seconds, 0 or more; 0 for a text that is no time."""
    try:
        started = datetime.fromisoformat(started_at)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - started.replace(tzinfo=started.tzinfo or UTC)).total_seconds())
