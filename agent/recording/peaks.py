"""The peaks of a recording, from which pages draw its waveform: `<stream_id>.peaks` beside it has one byte for each FLAC frame of
96 ms (contract.recording.PEAK_SAMPLES).

A byte is the square root of the frame's loudest sample, 255 at full scale: quiet voices are still visible, and only silence is
0. The file is written while recording and is decoration: a disk that does not take it harms no recording, and it can be made
again.
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
    """Returns the peak of a block, 0 to 255."""
    loudest = int(np.abs(block.astype(np.int32)).max(initial=0))
    return min(255, math.ceil(255 * math.sqrt(loudest / 32767)))


class Peaks:
    """Writes the peaks of a recording that grows; never raises OSError. Only the writer's thread uses it."""

    def __init__(self, disk: DiskFile, frames: int) -> None:
        """`frames`: how many the recording has already; peaks of more than those are cut off."""
        self._disk = disk
        with suppress(OSError):
            disk.truncate(frames)

    @classmethod
    def beside(cls, storage: RecordingFolder, stream_id: str, frames: int) -> Peaks | None:
        """Opens the file beside a recording. Returns None where the disk does not take it."""
        try:
            return cls(storage.open_peaks(stream_id), frames)
        except OSError:
            return None

    def put(self, frame: int, value: int) -> None:
        """`frame`: its number. `value`: its peak."""
        with suppress(OSError):
            self._disk.write_at(bytes([value]), frame)

    def close(self) -> None:
        self._disk.close()


def make_one_missing(folder: Path, done: set[str]) -> str | None:
    """Makes the peaks of one recording that has none, which takes a second or two for an hour. Returns its id.

    Only for closed recordings: the recorder of an open one is still writing its peaks. `done`: ids that need no further look.
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
                log.warning("The peaks of a recording could not be made: %s", error, extra={"recording": stream_id})
    return None


def _peaks_of(path: Path) -> bytes:
    with av.open(str(path)) as container:
        blocks = map(samples_of, container.decode(audio=0))
        return bytes(peak(block[at : at + PEAK_SAMPLES]) for block in blocks for at in range(0, len(block), PEAK_SAMPLES))
