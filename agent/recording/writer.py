"""The writer's thread of a recording: takes sound and changes from the queue and puts them into the file and its sidecar.

Whatever happens to the disk, nothing that waits is lost: after an OSError the writer tries again, and goes on exactly where it
stopped. The entry at the head of the queue is only dropped when it has been dealt with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.flac_codec import BLOCK_SAMPLES
from agent.recording.flac_file import DamagedFile, FlacFile, repair, samples_md5
from agent.recording.peaks import Peaks
from agent.recording.sidecar import Sidecar
from agent.recording.sound_queue import Chunk, SoundQueue
from agent.recording.space import LimitReached, Space
from agent.recording.syncer import Syncer
from agent.recording.timeline import CAUSE_DISK, CAUSE_QUOTA, CAUSE_RESTART, Timeline
from contract.recording import SAMPLE_RATE, RecordingManifest

log = logging.getLogger(__name__)

POLL_S = 0.1  # about a block; waking the writer for every 10 ms costs more than the encoding
RETRY_S = 0.5


class RecordingWriter:
    """Writes one recording. All of it runs on the writer's thread, and what it owns is used there alone, with two exceptions:
    anybody may read `state` and `seconds`, and the syncer's thread calls `_sync`, to which file, sidecar and space are given."""

    def __init__(
        self,
        queue: SoundQueue,
        storage: RecordingFolder,
        space: Space,
        manifest: RecordingManifest,
        *,
        channels: int,
        clock: Callable[[], float],
        on_state: Callable[[str], None],
    ) -> None:
        """`manifest`: of a new recording. `clock`: boot time in seconds."""
        self.state = "off"
        self._queue = queue
        self._storage = storage
        self._space = space
        self._channels = channels
        self._on_state = on_state
        self._sidecar = Sidecar(storage, manifest)
        self._timeline = Timeline(clock)
        self._fill_to: int | None = None  # the sample up to which a gap is being filled
        self._disk: DiskFile | None = None
        self._file: FlacFile | None = None
        self._peaks: Peaks | None = None
        self._syncer: Syncer | None = None
        self._done = False

    @property
    def seconds(self) -> float:
        """Recorded so far."""
        file = self._file
        return (file.position if file else self._sidecar.samples) / SAMPLE_RATE

    def run(self) -> None:
        """Returns when the recording has ended, or when it is too late to try again."""
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
        """Writes everything that can be written now, then sleeps briefly. After an OSError it is called again and goes on."""
        file = self._file or self._open()
        if self.state == "full":
            self._queue.drop_sound()  # becomes a gap if the recording goes on, and nothing if this is its end
        file.drain()
        if self._syncer is None:
            sync = partial(_sync, file, self._sidecar, self._space)
            if self.state in ("failed", "full"):  # well again only when everything can be put on the disk
                sync()
            self._syncer = Syncer(sync)
        self._set_state("on")
        while not self._done and (entry := self._queue.head()) is not None:
            if not isinstance(entry, Chunk):
                entry()
            elif not self._take(file, entry):
                break
            self._queue.drop_head()
            file.drain()
        if self._done:
            return
        self._syncer.check()
        if self._sidecar.has_changes:
            self._syncer.hurry()
        self._queue.wait(POLL_S)

    def _wait_for_disk(self, trouble: OSError) -> None:
        is_full = isinstance(trouble, LimitReached)
        state = "full" if is_full else "failed"
        if self.state != state:
            level = logging.INFO if is_full else logging.ERROR
            log.log(level, "recording stopped: %s", trouble.strerror, extra={"errno": trouble.errno})
            self._timeline.expect_gap(CAUSE_QUOTA if is_full else CAUSE_DISK)
        self._set_state(state)
        self._stop_syncer()
        if not self._queue.wait_to_retry(RETRY_S):
            log.error("recording not closed properly, it will be repaired")
            self._done = True

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            try:
                self._on_state(state)
            except Exception:
                log.exception("nobody could be told of a recording's state")

    # Opening and releasing

    def _open(self) -> FlacFile:
        stream_id = self._sidecar.stream_id
        if self._disk is None:
            self._disk = self._storage.open_audio(stream_id, create=True)
        self._space.check(0)
        try:
            found = repair(self._disk)
        except DamagedFile:
            log.exception("a recording cannot be continued; its file was set aside", extra={"stream_id": stream_id})
            self._storage.set_aside(stream_id)
            self._release()
            return self._open()
        if self._sidecar.resume(found, self._timeline):
            self._timeline.expect_gap(CAUSE_RESTART)
        self._peaks = Peaks.beside(self._storage, stream_id, -(-found.head.samples // BLOCK_SAMPLES))
        self._file = FlacFile(self._disk, found, self._peaks, self._channels)
        return self._file

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

    # Sound

    def _take(self, file: FlacFile, chunk: Chunk) -> bool:
        """Returns False while it cannot be told whether sound is missing before this chunk."""
        if self._timeline.origin is None:
            self._timeline.begin(chunk)
            self._sidecar.begin(self._timeline)
        if self._fill_to is None:
            gap = self._timeline.gap_before(chunk, file.position, self._queue.sound_until)
            if gap is None:
                return False
            if gap:
                self._fill_to = file.position + gap
                self._sidecar.add_gap(file.position, gap, self._timeline.take_gap_cause())
        if self._fill_to is not None:
            self._fill(file, self._fill_to)
        file.append(chunk.samples)
        return True

    def _fill(self, file: FlacFile, end: int) -> None:
        """Appends silence up to sample `end`; after an OSError it is called again and goes on."""
        while file.position < end:
            file.append(file.silence(min(SAMPLE_RATE, end - file.position)))
            file.drain()
        self._fill_to = None

    # Changes, called from the queue

    def expect_gap(self, cause: str) -> None:
        self._timeline.expect_gap(cause)

    def rename(self, title: str) -> None:
        self._sidecar.note(self._position, title=title)

    def begin_pause(self, cause: str) -> None:
        self._sidecar.begin_pause(self._position, cause)

    def end_pause(self) -> None:
        self._sidecar.end_pause(self._position)

    @property
    def _position(self) -> int:
        return self._file.position if self._file else self._sidecar.samples

    def end(self, *, finished: bool) -> None:
        file = self._file
        if file is None:
            return
        self._sidecar.end_pause(file.position)
        self._stop_syncer()
        if not finished:
            file.fill_block()
        file.finish()
        self._sidecar.end(file.position, finished=finished)
        self._set_state("off")
        if finished and not file.has_md5:
            file.seal(samples_md5(self._storage.audio_path(self._sidecar.stream_id)))
        self._done = True


def _sync(file: FlacFile, sidecar: Sidecar, space: Space) -> None:
    """Makes what has been written last. Runs on the syncer's thread, but for a recovery."""
    space.check(file.end)
    file.checkpoint()
    sidecar.save()
