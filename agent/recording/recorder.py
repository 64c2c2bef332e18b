"""The recorder of one broadcast: a bounded queue, a thread that writes, one that syncs, and a timeline without holes.

Sound is stamped with CLOCK_BOOTTIME when it arrives. Where more than 0.25 s are missing, the writer fills in silence and
notes a gap; it never drops sound that is merely early. Whatever happens to the disk, the caller never waits: the queue
holds 30 s, the state becomes "failed", and the same file goes on when the disk takes bytes again. When the owner may have no
more, the state becomes "full", and what is said from then on is left out until there is room.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.flac_codec import BLOCK_SAMPLES
from agent.recording.flac_file import DamagedFile, FlacFile, Repaired, repair, samples_md5
from agent.recording.peaks import Peaks
from agent.recording.repair import close_open_pause
from contract.fields import ContractError
from contract.recording import SAMPLE_RATE, RecordingManifest, Span

log = logging.getLogger(__name__)

QUEUE_SAMPLES = 30 * SAMPLE_RATE
POLL_S = 0.1  # about a block; waking the writer for every 10 ms costs more than the encoding
GAP_SAMPLES = SAMPLE_RATE // 4
LONGEST_GAP_SAMPLES = 12 * 3600 * SAMPLE_RATE  # a clock that was set wrong must not fill the disk with silence
SURE_GAP_SAMPLES = SAMPLE_RATE
SETTLE_S = 0.3  # after a shorter one late sound may still come in a burst, and it was no gap
CHECKPOINT_S = 1.0
RETRY_S = 0.5
LAST_TRIES_S = 5.0  # for what waits at the end, on a disk that refuses

CAUSE_CONNECTION = "connection"
CAUSE_RESTART = "noise remover restarted"
CAUSE_SLOW_DISK = "disk too slow"
CAUSE_DISK = "disk full or not writable"
CAUSE_QUOTA = "space for recordings used up"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_time() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


class LimitReached(OSError):
    """The recording is as long as its owner may have it."""


@dataclass(frozen=True)
class _Chunk:
    ended_at: float  # boot_time() of its last sample
    samples: NDArray[np.int16]


_Change = Callable[[], None]
"""Something that happens between two samples: a pause began, the title changed, the end."""


class FlacRecorder:
    """Writes `<stream_id>.flac` and its sidecar. The methods may be called from any one thread and do not block,
    but for `close`; `on_state` is called from the writer's thread.
    """

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
        self._storage = storage or RecordingFolder(folder)
        self._clock = clock
        self._on_state = on_state
        self._channels = channels
        self.state = "off"
        self._limit: int | None = None  # bytes
        self._wake = threading.Condition()
        self._queue: deque[_Chunk | _Change] = deque()
        self._queued_samples = 0
        self._overflowed = False
        self._closing = False
        self._give_up_at = float("inf")
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        # From here on only the writer's thread.
        self._manifest = RecordingManifest(stream_id, owner, title, started_at, state="live", samples=0)
        self._disk: DiskFile | None = None
        self._file: FlacFile | None = None
        self._peaks: Peaks | None = None
        self._origin: float | None = None  # boot_time() of the first sample
        self._unsaved = False  # the syncer saves the sidecar
        self._gap_cause = CAUSE_CONNECTION
        self._fill_to: int | None = None
        self._paused: Span | None = None  # the span that is open
        self._syncer: _Syncer | None = None
        self._truncated = False  # sound was lost to damage before
        self._done = False

    # Called by the session

    def start(self) -> None:
        """Creates the recording, or goes on with it: the time in between becomes silence with a gap entry."""
        self._thread.start()

    def write(self, samples: NDArray[np.int16]) -> None:
        """48 kHz, [n] or [n, channels], any length, a copy is kept. When 30 s wait already, it is left out and becomes a gap."""
        chunk = _Chunk(self._clock(), np.array(samples, dtype=np.int16))
        with self._wake:
            if self._closing:
                return
            if self._queued_samples + len(chunk.samples) > QUEUE_SAMPLES:
                if not self._overflowed:
                    self._queue.append(lambda: self._set_gap_cause(CAUSE_SLOW_DISK))
                self._overflowed = True
                return
            self._overflowed = False
            self._queue.append(chunk)
            self._queued_samples += len(chunk.samples)

    def pause_began(self, cause: str) -> None:
        """What follows was not cleaned."""
        self._put(lambda: self._begin_pause(cause))

    def pause_ended(self) -> None:
        self._put(self._end_pause)

    def expect_gap(self, cause: str) -> None:
        """The cause for the next silence that fills missing time."""
        self._put(lambda: self._set_gap_cause(cause))

    def rename(self, title: str) -> None:
        self._put(lambda: self._note(title=title))

    def limit(self, size: int | None) -> None:
        """The file may have so many bytes; None for as many as there is disk. It may change at any time."""
        self._limit = size

    def close(self, *, finished: bool, timeout_s: float = 10.0) -> None:
        """Writes what waits and ends the thread; blocks until then, or until `timeout_s` on a disk that hangs.

        `finished`: the stream is over, the sidecar says closed and the MD5 is filled in. Otherwise a later job goes on.
        """
        with self._wake:
            if self._closing:
                return
            self._queue.append(lambda: self._end(finished))
            self._closing = True
            self._give_up_at = time.monotonic() + LAST_TRIES_S
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                log.error("recording not closed in time, it will be repaired")

    @property
    def seconds(self) -> float:
        """Recorded so far."""
        file = self._file
        return (file.position if file else self._manifest.samples) / SAMPLE_RATE

    def _put(self, change: _Change) -> None:
        with self._wake:
            if not self._closing:
                self._queue.append(change)

    # The writer's thread

    def _run(self) -> None:
        try:
            while not self._done:
                try:
                    self._work()
                except OSError as trouble:
                    self._wait_for_disk(trouble)
        except Exception:
            log.exception("the recorder broke; the file is valid to its last frame")
            self._set_state("failed")
        finally:
            self._release()

    def _work(self) -> None:
        """Everything that can be written now, then a short sleep. After an OSError it is called again and goes on."""
        file = self._file or self._open()
        if self.state == "full":
            self._leave_out()
        file.drain()
        if self._syncer is None:
            if self.state in ("failed", "full"):  # well again only when everything can be put on the disk
                self._sync()
            self._syncer = _Syncer(self._sync)
        self._set_state("on")
        while not self._done and (entry := self._head()) is not None:
            if isinstance(entry, _Chunk):
                if not self._take(file, entry):
                    break
            else:
                entry()
            self._drop_head(entry)
            file.drain()
        if self._done:
            return
        self._syncer.check()
        with self._wake:
            self._wake.wait_for(lambda: self._closing, POLL_S)

    def _sync(self) -> None:
        """What has been written lasts from here on. In the syncer's thread, but for a recovery and the end."""
        self._check_room()
        if self._file:
            self._file.checkpoint()
        if self._unsaved:
            self._unsaved = False  # before the manifest is read: a change from now on is saved next time
            try:
                self._storage.write_manifest(self._manifest)
            except OSError:
                self._unsaved = True
                raise

    def _check_room(self) -> None:
        """What waits at the end is at most 30 s, for which there is room below the low-water mark."""
        if self._closing:
            return
        self._storage.check_room()
        if self._limit is not None and (self._file.end if self._file else 0) >= self._limit:
            raise LimitReached(errno.EDQUOT, CAUSE_QUOTA)

    def _leave_out(self) -> None:
        """Forgets the sound that waits. It becomes a gap if the recording goes on, and nothing if this is its end."""
        with self._wake:
            self._queue = deque(entry for entry in self._queue if not isinstance(entry, _Chunk))
            self._queued_samples = 0

    def _head(self) -> _Chunk | _Change | None:
        with self._wake:
            return self._queue[0] if self._queue else None

    def _drop_head(self, entry: _Chunk | _Change) -> None:
        with self._wake:
            self._queue.popleft()
            if isinstance(entry, _Chunk):
                self._queued_samples -= len(entry.samples)

    def _wait_for_disk(self, trouble: OSError) -> None:
        full = isinstance(trouble, LimitReached)
        state = "full" if full else "failed"
        if self.state != state:
            level = logging.INFO if full else logging.ERROR
            log.log(level, "recording stopped: %s", trouble.strerror, extra={"errno": trouble.errno})
            self._set_gap_cause(CAUSE_QUOTA if full else CAUSE_DISK)
        self._set_state(state)
        self._stop_syncer()
        with self._wake:
            if self._closing and time.monotonic() > self._give_up_at:
                log.error("recording not closed properly, it will be repaired")
                self._done = True
            else:
                self._wake.wait(RETRY_S)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            try:
                self._on_state(state)
            except Exception:
                log.exception("nobody could be told of a recording's state")

    # Opening and closing

    def _open(self) -> FlacFile:
        stream_id = self._manifest.stream_id
        if self._disk is None:
            self._disk = self._storage.open_audio(stream_id, create=True)
        self._check_room()
        try:
            found = repair(self._disk)
        except DamagedFile:
            log.exception("a recording cannot be gone on with; its file was set aside", extra={"stream_id": stream_id})
            self._storage.set_aside(stream_id)
            self._release()
            return self._open()
        self._manifest = self._resumed_manifest(found)
        self._peaks = Peaks.beside(self._storage, stream_id, -(-found.head.samples // BLOCK_SAMPLES))
        self._file = FlacFile(self._disk, found, self._peaks, self._channels)
        return self._file

    def _resumed_manifest(self, found: Repaired) -> RecordingManifest:
        """The sidecar of the job before, if there was one, and the origin of its timeline."""
        own = self._manifest
        try:
            before = self._storage.read_manifest(own.stream_id)
        except ContractError:
            log.warning("a sidecar could not be read and is written anew", extra={"stream_id": own.stream_id})
            before = None
        if found.head.samples == 0:
            return own
        self._gap_cause = CAUSE_RESTART
        self._unsaved = True
        if before is None:  # when it began can only be guessed from now
            self._origin = self._clock() - found.head.samples / SAMPLE_RATE
            began = own.started_at or _wall_time(self._clock() - self._origin)
            before = replace(own, boot_id=_boot_id(), boot_time=self._origin, started_at=began)
        elif before.boot_id == _boot_id():
            self._origin = before.boot_time
        else:
            self._origin = self._clock() - _seconds_since(before.started_at)
            before = replace(before, boot_id=_boot_id(), boot_time=self._origin)
        self._truncated = before.state == "truncated" or found.lost_samples > 0
        before = close_open_pause(replace(before, samples=found.head.samples))
        return replace(before, state="live", title=own.title)

    def _end(self, finished: bool) -> None:
        file = self._file
        if file is None:
            return
        self._end_pause()
        self._stop_syncer()
        if not finished:
            file.fill_block()
        file.finish()
        state = "live" if not finished else "truncated" if self._truncated else "closed"
        self._manifest = replace(self._manifest, state=state, samples=file.position)
        if file.position:
            self._storage.write_manifest(self._manifest)
        else:
            self._storage.remove(self._manifest.stream_id)
        self._unsaved = False
        self._set_state("off")
        if finished and not file.has_md5:
            file.seal(samples_md5(self._storage.audio_path(self._manifest.stream_id)))
        self._done = True

    def _stop_syncer(self) -> None:
        if self._syncer:
            self._syncer.stop()
            self._syncer = None

    def _release(self) -> None:
        self._stop_syncer()
        self._file = None
        if self._peaks:
            self._peaks.close()
            self._peaks = None
        if self._disk:
            self._disk.close()
            self._disk = None

    # Timeline

    def _take(self, file: FlacFile, chunk: _Chunk) -> bool:
        """False when it cannot be said yet whether sound is missing before this chunk."""
        if self._origin is None:
            self._origin = chunk.ended_at - len(chunk.samples) / SAMPLE_RATE
            started_at = self._manifest.started_at or _wall_time(self._clock() - self._origin)
            self._note(boot_id=_boot_id(), boot_time=self._origin, started_at=started_at)
            self._storage.begin_manifest(self._manifest)
        if self._fill_to is None and self._behind(chunk, self._origin, file.position) > GAP_SAMPLES:
            missing = self._missing(chunk, self._origin, file.position)
            if missing is None:
                return False
            if missing > GAP_SAMPLES:
                self._begin_gap(file, min(missing, LONGEST_GAP_SAMPLES))
        if self._fill_to is not None:
            self._fill(file, self._fill_to)
        file.append(chunk.samples)
        return True

    @staticmethod
    def _behind(chunk: _Chunk, origin: float, position: int) -> int:
        """Samples that are missing before `chunk` when it is written at `position`."""
        return round((chunk.ended_at - origin) * SAMPLE_RATE) - len(chunk.samples) - position

    def _missing(self, first: _Chunk, origin: float, position: int) -> int | None:
        """What is missing for good, when late sound that came in a burst is taken into account. None: it may still come."""
        if (missing := self._behind(first, origin, position)) > SURE_GAP_SAMPLES:
            return missing
        with self._wake:
            chunks = [entry for entry in self._queue if isinstance(entry, _Chunk)]
            closing = self._closing
        settled_at = chunks[0].ended_at + SETTLE_S
        if chunks[-1].ended_at < settled_at and not closing:
            return None
        for chunk in takewhile(lambda chunk: chunk.ended_at <= settled_at, chunks):
            missing = min(missing, self._behind(chunk, origin, position))
            position += len(chunk.samples)
        return missing

    def _begin_gap(self, file: FlacFile, length: int) -> None:
        self._fill_to = file.position + length
        gap = Span(file.position / SAMPLE_RATE, length / SAMPLE_RATE, self._gap_cause)
        self._note(gaps=(*self._manifest.gaps, gap))
        self._gap_cause = CAUSE_CONNECTION

    def _fill(self, file: FlacFile, end: int) -> None:
        """Silence up to sample `end`; after an OSError it is called again and goes on."""
        while file.position < end:
            file.append(file.silence(min(SAMPLE_RATE, end - file.position)))
            file.drain()
        self._fill_to = None

    # Sidecar

    def _note(self, **changes: object) -> None:
        samples = self._file.position if self._file else self._manifest.samples
        self._manifest = self._manifest.with_(samples=samples, **changes)
        if self._origin is not None:  # before the first sample there is nothing to tell of
            self._unsaved = True
            if self._syncer:
                self._syncer.hurry()

    def _set_gap_cause(self, cause: str) -> None:
        self._gap_cause = cause

    def _begin_pause(self, cause: str) -> None:
        self._end_pause()
        start = (self._file.position if self._file else 0) / SAMPLE_RATE
        self._paused = Span(start, 0.0, cause)
        self._note(paused=(*self._manifest.paused, self._paused))

    def _end_pause(self) -> None:
        if self._paused and self._file:
            self._paused = None
            self._note()
            self._manifest = close_open_pause(self._manifest)


class _Syncer:
    """Calls `sync` every CHECKPOINT_S in a thread of its own: a slow disk may take a second for it, and sound must not wait in
    this process's memory meanwhile. Ends with the first OSError, which `check` raises.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._wake = threading.Event()
        self._stopping = False
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="recorder sync", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._sync()
            except OSError as trouble:
                self._trouble = trouble
                return
            self._wake.wait(CHECKPOINT_S)
            self._wake.clear()

    def hurry(self) -> None:
        self._wake.set()

    def check(self) -> None:
        """Raises the OSError that ended it."""
        if self._trouble:
            raise self._trouble

    def stop(self) -> None:
        """Waits for a sync that has begun."""
        self._stopping = True
        self._wake.set()
        self._thread.join()


def _wall_time(seconds_ago: float) -> str:
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds_since(started_at: str) -> float:
    """0 or more; 0 for what is no time."""
    try:
        started = datetime.fromisoformat(started_at)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - started.replace(tzinfo=started.tzinfo or UTC)).total_seconds())
