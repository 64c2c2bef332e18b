"""One FLAC file that is valid at every moment while it is written, and its repair after a crash.

Frames are appended one by one. The head of the file (contract.RecordingHead) is renewed by `checkpoint`, and promises
only what a sync has put on the disk before. So a crash or a power cut leaves at most a tail that nobody counts yet, and `repair`
keeps what is good of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from mmap import mmap
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from agent.recording.files import DiskFile
from agent.recording.flac_codec import (
    BLOCK_SAMPLES,
    MAX_FRAME_BYTES,
    BlockEncoder,
    Frame,
    decode_frame,
    frames,
    last_frame,
    shaped,
)
from agent.recording.peaks import Peaks, peak
from contract.fields import DocumentError
from contract.flac import renumber
from contract.recording import RECORDING_AUDIO_AT, RECORDING_HEAD_BYTES, RecordingHead


class DamagedFile(Exception):
    """Says that no sound can be found in the file, which was not touched."""


@dataclass(frozen=True)
class Repaired:
    """Says what a file holds after its repair."""

    head: RecordingHead
    last: Frame | None  # None when nothing was recorded yet
    cut_bytes: int  # half frames, zeros or garbage that stood after the last good frame
    lost_samples: int  # promised by the head, but no longer there


NOTHING = RecordingHead(samples=0, end=0)


def repair(disk: DiskFile) -> Repaired:
    """Cuts the file after its last good frame and renews its head. Raises DamagedFile or OSError.

    Looks only at what lies behind the last checkpoint, so the length of the file does not matter. When the head or the frame
    before the checkpoint is damaged, it searches the whole file backwards for the last good frame. The caller syncs.
    """
    size = disk.size()
    if size == 0:
        return Repaired(NOTHING, None, 0, 0)
    with disk.map() as data:
        promised = _read_head(data)
        if promised and promised.min_block < BLOCK_SAMPLES:
            raise DamagedFile("this is a clip, which was written at once")
        found, last = _find_end(data, promised, size)
        if last is None and _may_hold_sound(data, size):
            raise DamagedFile("this is not a recording of Stillair, or none of its sound can be read")
        padding = slice(RECORDING_HEAD_BYTES, RECORDING_AUDIO_AT)  # also damaged, players would not find the first frame
        whole_header = promised is None or data[padding] != found.to_header()[padding]
    if found != promised or size != found.end or whole_header:
        _mend(disk, found, whole_header=whole_header)
    promised_samples = promised.samples if promised else 0
    return Repaired(found, last, size - found.end, max(0, promised_samples - found.samples))


def _read_head(data: mmap) -> RecordingHead | None:
    try:
        return RecordingHead.from_bytes(data[:RECORDING_HEAD_BYTES])
    except DocumentError:
        return None


def _find_end(data: mmap, promised: RecordingHead | None, size: int) -> tuple[RecordingHead, Frame | None]:
    if promised and promised.end <= size:
        counted = last_frame(data, promised.end)
        if counted and counted.end == promised.end and counted.number * BLOCK_SAMPLES + counted.samples == promised.samples:
            return _extend_over_tail(data, promised, counted, size)
    if promised is None and next(frames(data, RECORDING_AUDIO_AT, size, 0), None) is None:
        return NOTHING, None  # a file of somebody else
    last = last_frame(data, size)
    if last is None:
        return NOTHING, None
    return RecordingHead(last.number * BLOCK_SAMPLES + last.samples, last.end, channels=last.channels), last


def _extend_over_tail(data: mmap, head: RecordingHead, last: Frame, size: int) -> tuple[RecordingHead, Frame]:
    if last.samples == BLOCK_SAMPLES:
        for frame in frames(data, head.end, size, last.number + 1):
            head, last = _extended(head, frame.end - frame.start, frame.samples), frame
    return head, last


def _extended(head: RecordingHead, length: int, samples: int) -> RecordingHead:
    """Returns the head with one frame more. Frame sizes that are not known of all frames stay unknown."""
    known = head.samples == 0 or head.max_frame > 0
    return RecordingHead(
        samples=head.samples + samples,
        end=(head.end or RECORDING_AUDIO_AT) + length,
        min_frame=min(head.min_frame or length, length) if known else 0,
        max_frame=max(head.max_frame, length) if known else 0,
        channels=head.channels,
    )


def _may_hold_sound(data: mmap, size: int) -> bool:
    """Returns False for a torn first write and for nothing but zeros (a power cut): there was never a whole frame."""
    return size > RECORDING_AUDIO_AT + MAX_FRAME_BYTES and any(data[at : at + 2**20].strip(b"\0") for at in range(0, size, 2**20))


def _mend(disk: DiskFile, found: RecordingHead, *, whole_header: bool) -> None:
    """Writes the head before it cuts the file: no reader may be promised more than there is."""
    if found.end:
        disk.write_at(found.to_header() if whole_header else found.to_bytes(), 0)
    disk.truncate(found.end)


def samples_md5(path: Path) -> bytes:
    """Returns the MD5 of all samples, little-endian, as STREAMINFO wants it. Decodes the file (an hour takes some seconds)."""
    digest = hashlib.md5(usedforsecurity=False)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            digest.update(frame.to_ndarray().astype("<i2").tobytes())
    return digest.digest()


class FlacFile:
    """Appends to a new file, or to one that `repair` has brought in order.

    `append` only encodes; `drain` writes, which is enough to survive the death of this process; `checkpoint` syncs, so that it
    survives a power cut. One thread owns the object, but another one may call `checkpoint`, because a slow disk takes its time.
    When `drain` or `checkpoint` raises OSError, nothing is lost: the file is valid to its last frame, and the same call goes on
    where it stopped.
    """

    def __init__(self, disk: DiskFile, found: Repaired, peaks: Peaks | None = None, channels: int = 1) -> None:
        """`peaks`: gets the peak of every frame that is written. `channels`: of a new file; an existing one keeps its own."""
        self._disk = disk
        self._peaks = peaks
        head = found.head if found.head.samples else replace(found.head, channels=channels)
        self.channels = head.channels
        self._encoder = BlockEncoder(head.channels)
        self._encoded: deque[tuple[bytes, int, int]] = deque()  # frame, samples, peak
        self._block = self.silence(BLOCK_SAMPLES)
        self._filled = 0
        self._md5 = hashlib.md5(usedforsecurity=False) if head.samples == 0 else None
        self._next_number = 0
        self._written = self._promised = head
        self._finished = False
        self._head_lock = threading.Lock()
        if found.last:
            self._continue_after(found.last)
        self.position = self._written.samples + self._filled
        """Samples taken so far, those included that wait for the rest of their block."""

    def _continue_after(self, last: Frame) -> None:
        """Takes a short last frame back into the encoder, because only the end of a file may be short."""
        self._next_number = last.number + 1
        if last.samples == BLOCK_SAMPLES:
            return
        with self._disk.map() as data:
            samples = decode_frame(data[last.start : last.end])
        if samples is None:
            raise DamagedFile("the last frame cannot be read")
        self._block[: last.samples] = samples
        self._filled = last.samples
        self._next_number = last.number
        # The old frame and the head stand until a longer frame with the same samples takes their place.
        self._written = replace(self._written, samples=last.number * BLOCK_SAMPLES, end=last.start, md5=bytes(16))

    @property
    def end(self) -> int:
        """Bytes up to the end of the last frame on the disk."""
        return self._written.end

    def silence(self, count: int) -> NDArray[np.int16]:
        """Makes silence of this many samples, to be appended."""
        return shaped(np.zeros(count * self.channels, np.int16), self.channels)

    def append(self, samples: NDArray[np.int16]) -> None:
        """Takes any number of samples."""
        self.position += len(samples)
        if self._md5:
            self._md5.update(samples.astype("<i2").tobytes())
        while len(samples):
            taken = min(len(samples), BLOCK_SAMPLES - self._filled)
            self._block[self._filled : self._filled + taken] = samples[:taken]
            self._filled += taken
            samples = samples[taken:]
            if self._filled == BLOCK_SAMPLES:
                self._queue(self._encoder.block(self._block), self._block)
                self._filled = 0

    def _queue(self, frame: bytes, block: NDArray[np.int16]) -> None:
        self._encoded.append((renumber(frame, self._next_number), len(block), peak(block)))
        self._next_number += 1

    def drain(self) -> None:
        """Writes the encoded frames."""
        while self._encoded:
            frame, samples, loudest = self._encoded[0]
            if self._peaks:
                self._peaks.put(self._written.samples // BLOCK_SAMPLES, loudest)
            self._write(frame, samples)
            self._encoded.popleft()

    def _write(self, frame: bytes, samples: int) -> None:
        before = self._written
        after = _extended(before, len(frame), samples)
        try:
            if before.end:
                self._disk.write_at(frame, before.end)
            else:  # the header comes with the first frame: there is never a file without a duration
                self._disk.write_at(after.to_header() + frame, 0)
        except OSError:
            with suppress(OSError):  # the next try writes over the torn frame; a reader does not count it either way
                self._take_back(before)
            raise
        self._written = after

    def _take_back(self, head: RecordingHead) -> None:
        with self._head_lock:
            if self._promised.samples > head.samples:  # a short last frame was to be replaced
                self._disk.write_at(head.to_bytes(), 0)
                self._promised = head
        self._disk.truncate(head.end)

    def checkpoint(self) -> None:
        """Puts the frames that were written on the disk, then lets the head promise them."""
        written = self._written
        if written == self._promised or written.end == 0:
            return
        self._disk.sync()
        with self._head_lock:
            if written.samples >= self._promised.samples:  # but not while a short last frame waits for a longer one in its place
                self._disk.write_at(written.to_bytes(), 0)
                self._promised = written

    def fill_block(self) -> None:
        """Appends silence to the end of the block: what a reader has got stays as it is when another process continues."""
        self.append(self.silence(-self._filled % BLOCK_SAMPLES))

    def finish(self) -> None:
        """Writes the rest as a short last frame, and the MD5 when all samples went through this object."""
        if not self._finished and self._filled:
            self._queue(self._encoder.last(self._block[: self._filled]), self._block[: self._filled])
        self._finished = True
        self.drain()
        if self._md5:
            self._written = replace(self._written, md5=self._md5.digest())
        self.checkpoint()
        self._disk.sync()

    def seal(self, md5: bytes) -> None:
        """Fills in the MD5 after `finish`, for a file that was written by several processes."""
        self._written = replace(self._written, md5=md5)
        self.checkpoint()
        self._disk.sync()

    @property
    def has_md5(self) -> bool:
        return self._md5 is not None
