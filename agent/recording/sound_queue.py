"""What waits for the writer of a recording: sound, and changes that happen between two samples."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Chunk:
    """Holds sound, and the time at which it arrived."""

    ended_at: float  # boot time of its last sample, seconds
    samples: NDArray[np.int16]


Change = Callable[[], None]
"""Called on the writer's thread: a pause begins, the title changes, the recording ends."""


class SoundQueue:
    """Passes sound and changes from one caller, who never waits, to the writer's thread. Bounded, and safe on both threads."""

    def __init__(self, max_samples: int, on_overflow: Change) -> None:
        """`on_overflow`: a change that is queued where sound is left out."""
        self._max_samples = max_samples
        self._on_overflow = on_overflow
        self._wake = threading.Condition()
        self._entries: deque[Chunk | Change] = deque()
        self._samples = 0
        self._overflowed = False
        self._closing = False
        self._give_up_at = float("inf")

    @property
    def is_closing(self) -> bool:
        """Whether the last entry is in the queue."""
        return self._closing

    # Called by the recorder

    def put_sound(self, chunk: Chunk) -> None:
        """Leaves the chunk out when the queue is full or closed."""
        with self._wake:
            if self._closing:
                return
            if self._samples + len(chunk.samples) > self._max_samples:
                if not self._overflowed:
                    self._entries.append(self._on_overflow)
                self._overflowed = True
                return
            self._overflowed = False
            self._entries.append(chunk)
            self._samples += len(chunk.samples)

    def put(self, change: Change) -> None:
        with self._wake:
            if not self._closing:
                self._entries.append(change)

    def close(self, last: Change, *, patience_s: float) -> bool:
        """Takes nothing more after `last`, which is tried again for `patience_s`. Returns False when it was closed already."""
        with self._wake:
            if self._closing:
                return False
            self._entries.append(last)
            self._closing = True
            self._give_up_at = time.monotonic() + patience_s
            self._wake.notify()
        return True

    # Called by the writer

    def head(self) -> Chunk | Change | None:
        """Returns the oldest entry, which stays in the queue until `drop_head`."""
        with self._wake:
            return self._entries[0] if self._entries else None

    def drop_head(self) -> None:
        with self._wake:
            entry = self._entries.popleft()
            if isinstance(entry, Chunk):
                self._samples -= len(entry.samples)

    def drop_sound(self) -> None:
        """Forgets all sound, and keeps the changes."""
        with self._wake:
            self._entries = deque(entry for entry in self._entries if not isinstance(entry, Chunk))
            self._samples = 0

    def sound_until(self, settled_at: float) -> list[Chunk] | None:
        """Returns the chunks that arrived up to this boot time, or None while more of them may come."""
        with self._wake:
            chunks = [entry for entry in self._entries if isinstance(entry, Chunk)]
            if chunks[-1].ended_at < settled_at and not self._closing:
                return None
        return list(takewhile(lambda chunk: chunk.ended_at <= settled_at, chunks))

    def wait(self, timeout_s: float) -> None:
        """Returns after this time, or as soon as the queue is closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing, timeout_s)

    def wait_to_retry(self, timeout_s: float) -> bool:
        """Returns False, without waiting, when it is too late for another try."""
        with self._wake:
            if self._closing and time.monotonic() > self._give_up_at:
                return False
            self._wake.wait(timeout_s)
            return True
