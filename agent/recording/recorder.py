"""The recorder of one broadcast: a bounded queue, a thread that writes, one that syncs, and a timeline without holes.

    FlacRecorder -> SoundQueue -> RecordingWriter -> FlacFile, Sidecar      Syncer
    the caller's thread           the writer's thread                       a thread of its own

Sound is stamped with CLOCK_BOOTTIME when it arrives. Where more than 0.25 s are missing, the writer fills in silence and
notes a gap; it never drops sound that is merely early. Whatever happens to the disk, the caller never waits: the queue
holds 30 s, the state becomes "failed", and the same file continues when the disk takes bytes again. When the owner may have no
more, the state becomes "full", and what is said from then on is left out until there is room.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.recording.files import RecordingFolder
from agent.recording.sound_queue import Chunk, SoundQueue
from agent.recording.space import Space
from agent.recording.timeline import CAUSE_SLOW_DISK, boot_time
from agent.recording.writer import RecordingWriter
from contract.recording import SAMPLE_RATE, RecordingManifest

log = logging.getLogger(__name__)

QUEUE_SAMPLES = 30 * SAMPLE_RATE
LAST_TRIES_S = 5.0  # for what waits at the end, on a disk that refuses


class FlacRecorder:
    """Writes `<stream_id>.flac` and its sidecar. Its methods may be called on any one thread, and do not block except for
    `close`; `on_state` is called on the writer's thread."""

    def __init__(
        self,
        folder: Path,
        *,
        stream_id: str,
        owner: str,
        title: str,
        started_at: str = "",
        on_state: Callable[[str], None],
        channels: int = 1,
        storage: RecordingFolder | None = None,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """`started_at`: RFC 3339, UTC; "" = when the first sample arrives. A recording that is resumed keeps its own."""
        storage = storage or RecordingFolder(folder)
        self._clock = clock
        self._space = Space(storage)
        self._queue = SoundQueue(QUEUE_SAMPLES, on_overflow=lambda: self._writer.expect_gap(CAUSE_SLOW_DISK))
        self._writer = RecordingWriter(
            self._queue,
            storage,
            self._space,
            RecordingManifest(stream_id, owner, title, started_at, state="live", samples=0),
            channels=channels,
            clock=clock,
            on_state=on_state,
        )
        self._thread = threading.Thread(target=self._writer.run, name="recorder", daemon=True)

    @property
    def state(self) -> str:
        """One of contract.messages.RECORDING_STATES."""
        return self._writer.state

    @property
    def seconds(self) -> float:
        """Recorded so far."""
        return self._writer.seconds

    def start(self) -> None:
        """Creates the recording, or continues it: the time in between becomes silence with a gap entry."""
        self._thread.start()

    def write(self, samples: NDArray[np.int16]) -> None:
        """Records a copy of `samples`: 48 kHz, [n] or [n, channels], any length. When 30 s wait already, they are left out and
        become a gap."""
        self._queue.put_sound(Chunk(self._clock(), np.array(samples, dtype=np.int16)))

    def pause_began(self, cause: str) -> None:
        """Notes that what follows was not cleaned."""
        self._queue.put(partial(self._writer.begin_pause, cause))

    def pause_ended(self) -> None:
        self._queue.put(self._writer.end_pause)

    def expect_gap(self, cause: str) -> None:
        """Names the cause of the next silence that fills missing time."""
        self._queue.put(partial(self._writer.expect_gap, cause))

    def rename(self, title: str) -> None:
        self._queue.put(partial(self._writer.rename, title))

    def limit(self, size: int | None) -> None:
        """Sets how many bytes the file may have; None for as many as there is disk. It may change at any time."""
        self._space.max_bytes = size

    def close(self, *, finished: bool, timeout_s: float = 10.0) -> None:
        """Writes what waits and ends the thread; blocks until then, or until `timeout_s` on a disk that hangs.

        `finished`: the stream is over, so the sidecar says closed and the MD5 is filled in. Otherwise a later job continues.
        """
        self._space.is_closing = True
        if not self._queue.close(partial(self._writer.end, finished=finished), patience_s=LAST_TRIES_S):
            return
        if self._thread.is_alive():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                log.error("recording not closed in time, it will be repaired")
