"""The drawing of a recording: `<stream_id>.peaks` beside it, one byte for each FLAC frame of 96 ms (contract.PEAK_SAMPLES).

A byte is the square root of the frame's loudest sample, 255 at full scale: quiet voices are still seen, and nothing but silence
is 0. It is made while recording and is decoration: a disk that does not take it harms no recording, and it can be made again.
"""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.flac_codec import samples_of
from contract.recording import PEAK_SAMPLES

log = logging.getLogger(__name__)


def peak(block: NDArray[np.int16]) -> int:
    """0 to 255."""
    loudest = int(np.abs(block.astype(np.int32)).max(initial=0))
    return min(255, math.ceil(255 * math.sqrt(loudest / 32767)))


class Peaks:
    """Written beside a recording as it grows; never raises OSError."""

    def __init__(self, disk: DiskFile, frames: int) -> None:
        """`frames` the recording has already; what the file tells of more of them is cut off."""
        self._disk = disk
        with suppress(OSError):
            disk.truncate(frames)

    @classmethod
    def beside(cls, storage: RecordingFolder, stream_id: str, frames: int) -> Peaks | None:
        """None where the disk does not take it."""
        try:
            return cls(storage.open_peaks(stream_id), frames)
        except OSError:
            return None

    def put(self, frame: int, value: int) -> None:
        with suppress(OSError):
            self._disk.write_at(bytes([value]), frame)

    def close(self) -> None:
        self._disk.close()


def draw_one_missing(folder: Path, done: set[str]) -> str | None:
    """Makes the drawing of one recording that has none, which takes a second or two for an hour; -> its id.

    Of those that are closed only, for the others are still drawn by their recorder. `done`: ids that need no look any more.
    """
    storage = RecordingFolder(folder)
    for stream_id in storage.ids():
        if stream_id in done:
            continue
        done.add(stream_id)
        if not storage.has_peaks(stream_id) and storage.is_closed(stream_id):
            try:
                if peaks := _peaks_of(storage.audio_path(stream_id)):
                    storage.write_peaks(stream_id, peaks)
                    return stream_id
            except (OSError, FFmpegError) as error:
                log.warning("A recording could not be drawn: %s", error, extra={"recording": stream_id})
    return None


def _peaks_of(path: Path) -> bytes:
    with av.open(str(path)) as container:
        blocks = map(samples_of, container.decode(audio=0))
        return bytes(peak(block[at : at + PEAK_SAMPLES]) for block in blocks for at in range(0, len(block), PEAK_SAMPLES))
