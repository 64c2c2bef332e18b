"""FLAC as the recorder writes it (RFC 9639): encoded frames, and where a damaged file is still good.

A recording is 48 kHz, mono, 16 bit, in frames of 4608 samples (96 ms); only its last frame may be shorter. Nothing here
knows of files or threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from contract import RECORDING_AUDIO_AT, SAMPLE_RATE, RecordingHead
from flac_frames import FIXED, crc16_table, parse_frame_header

BLOCK_SAMPLES = 4608
MAX_FRAME_BYTES = 2 * BLOCK_SAMPLES + 32    # a frame that could not be compressed, and its headers
MIN_FRAME_BYTES = 10


# Frames


@dataclass(frozen=True)
class Frame:
    """A whole frame that was decoded to prove it."""

    start: int                # bytes
    end: int
    number: int
    samples: int


def decode_frame(frame: bytes) -> NDArray[np.int16] | None:
    """Samples of one whole frame; None when it is damaged or cut. Bytes after its end are not noticed."""
    decoder = av.CodecContext.create("flac", "r")
    decoder.extradata = RecordingHead(samples=0, end=0).to_bytes()[8:42]
    decoder.options = {"err_detect": "crccheck+explode"}
    decoder.thread_count = 1
    try:
        decoded = decoder.decode(av.Packet(frame))
    except FFmpegError:
        return None
    return np.asarray(decoded[0].to_ndarray(), np.int16).reshape(-1) if len(decoded) == 1 else None


def read_frame(data: bytes | mmap, start: int, limit: int) -> Frame | None:
    """The frame that begins at `start` and ends at or before `limit`; None when there is no whole one.

    A frame does not say how long it is. Where its checksum comes out as 0 it may end, which happens by chance as well, so
    the first such place that decodes is taken: before its true end a frame cannot be decoded.
    """
    window = data[start:min(limit, start + MAX_FRAME_BYTES)]
    head = parse_frame_header(window[:16])
    if head is None or head.counts_samples:
        return None
    table = crc16_table()
    value = 0
    for index, byte in enumerate(window):
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
        if value == 0 and index > head.size and decode_frame(window[:index + 1]) is not None:
            return Frame(start, start + index + 1, head.number, head.samples)
    return None


def frames(data: bytes | mmap, start: int, limit: int, number: int) -> Iterator[Frame]:
    """Whole frames from `start` on that count up from `number` without a hole, to the first that does not."""
    while (frame := read_frame(data, start, limit)) and frame.number == number:
        yield frame
        if frame.samples != BLOCK_SAMPLES:
            return
        start, number = frame.end, number + 1


def last_frame(data: bytes | mmap, limit: int) -> Frame | None:
    """The last whole frame before `limit`, found from behind; None when there is none."""
    start = limit
    while (start := data.rfind(FIXED, RECORDING_AUDIO_AT, start)) >= 0:
        frame = read_frame(data, start, limit)
        # A file of so many bytes cannot hold more frames than this: what says otherwise is not ours.
        if frame and frame.number * MIN_FRAME_BYTES <= start - RECORDING_AUDIO_AT:
            return frame
    return None


# Encoding


class BlockEncoder:
    """Encodes blocks of 4608 samples, each into one frame at once; `last` may be shorter and is the end."""

    def __init__(self) -> None:
        self._encoder = av.CodecContext.create("flac", "w")
        self._encoder.sample_rate = SAMPLE_RATE
        self._encoder.format = "s16"
        self._encoder.layout = "mono"

    def block(self, samples: NDArray[np.int16]) -> bytes:
        return b"".join(bytes(packet) for packet in self._encoder.encode(self._frame(samples)))

    def last(self, samples: NDArray[np.int16]) -> bytes:
        """The rest, 1 to 4608 samples. The encoder cannot be used again."""
        return self.block(samples) + b"".join(bytes(packet) for packet in self._encoder.encode(None))

    @staticmethod
    def _frame(samples: NDArray[np.int16]) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        return frame
