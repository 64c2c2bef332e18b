"""FLAC as the recorder writes it (RFC 9639): encodes frames, and finds what is still good in a damaged file.

A recording is 48 kHz, 16 bit, mono or stereo, in frames of 4608 samples (96 ms); only its last frame may be shorter. Samples of
one channel are an array [n], of two [n, 2]. Nothing here knows of files or threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from contract.flac import FIXED, crc16_table, parse_frame_header
from contract.recording import RECORDING_AUDIO_AT, SAMPLE_RATE, RecordingHead

BLOCK_SAMPLES = 4608
MAX_FRAME_BYTES = 2 * BLOCK_SAMPLES + 32  # a mono frame that could not be compressed, and its headers
MAX_STEREO_FRAME_BYTES = 5 * BLOCK_SAMPLES + 32  # the difference of two channels has 17 bits
MIN_FRAME_BYTES = 10
LAYOUTS = {1: "mono", 2: "stereo"}


# Frames


@dataclass(frozen=True)
class Frame:
    """Locates a whole frame, which was decoded to prove it."""

    start: int  # bytes
    end: int
    number: int
    samples: int
    channels: int = 1


def decode_frame(frame: bytes) -> NDArray[np.int16] | None:
    """Returns the samples of one whole frame; None when it is damaged or cut. Does not notice bytes after its end."""
    head = parse_frame_header(frame[:16])
    if head is None:
        return None
    decoder = av.CodecContext.create("flac", "r")
    decoder.extradata = RecordingHead(samples=0, end=0, channels=head.channels).to_bytes()[8:42]
    decoder.options = {"err_detect": "crccheck+explode"}
    decoder.thread_count = 1
    try:
        decoded = decoder.decode(av.Packet(frame))
    except FFmpegError:
        return None
    return samples_of(decoded[0]) if len(decoded) == 1 else None


def samples_of(frame: av.AudioFrame) -> NDArray[np.int16]:
    """Returns the samples of a decoded frame of 16 bit."""
    return shaped(np.asarray(frame.to_ndarray(), np.int16), frame.layout.nb_channels)


def shaped(samples: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """Returns interleaved samples in the shape that this module uses."""
    return samples.reshape(-1) if channels == 1 else samples.reshape(-1, channels)


def read_frame(data: bytes | mmap, start: int, limit: int) -> Frame | None:
    """Finds the frame that begins at `start` and ends at or before `limit` (bytes). Returns None when there is no whole one.

    A frame does not say how long it is. Where its checksum comes out as 0 it may end, which happens by chance as well, so
    the first such place that decodes is taken: before its true end a frame cannot be decoded.
    """
    head = parse_frame_header(data[start : min(limit, start + 16)])
    if head is None or head.counts_samples:
        return None
    longest = MAX_FRAME_BYTES if head.channels == 1 else MAX_STEREO_FRAME_BYTES
    window = data[start : min(limit, start + longest)]
    table = crc16_table()
    value = 0
    for index, byte in enumerate(window):
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
        if value == 0 and index > head.size and decode_frame(window[: index + 1]) is not None:
            return Frame(start, start + index + 1, head.number, head.samples, head.channels)
    return None


def frames(data: bytes | mmap, start: int, limit: int, number: int) -> Iterator[Frame]:
    """Yields whole frames from `start` on that count up from `number` without a hole, up to the first that does not."""
    while (frame := read_frame(data, start, limit)) and frame.number == number:
        yield frame
        if frame.samples != BLOCK_SAMPLES:
            return
        start, number = frame.end, number + 1


def last_frame(data: bytes | mmap, limit: int) -> Frame | None:
    """Finds the last whole frame before `limit`, searching backwards. Returns None when there is none."""
    start = limit
    while (start := data.rfind(FIXED, RECORDING_AUDIO_AT, start)) >= 0:
        frame = read_frame(data, start, limit)
        # A file of this size cannot hold more frames than that: a frame with a higher number is not ours.
        if frame and frame.number * MIN_FRAME_BYTES <= start - RECORDING_AUDIO_AT:
            return frame
    return None


# Encoding


class BlockEncoder:
    """Encodes blocks of 4608 samples, each into one frame at once; `last` may be shorter and is the end."""

    def __init__(self, channels: int = 1) -> None:
        self._layout = LAYOUTS[channels]
        self._encoder = av.CodecContext.create("flac", "w")
        self._encoder.sample_rate = SAMPLE_RATE
        self._encoder.format = "s16"
        self._encoder.layout = self._layout

    def block(self, samples: NDArray[np.int16]) -> bytes:
        """Encodes 4608 samples into one frame."""
        return b"".join(bytes(packet) for packet in self._encoder.encode(self._frame(samples)))

    def last(self, samples: NDArray[np.int16]) -> bytes:
        """Encodes the rest, 1 to 4608 samples. The encoder cannot be used again."""
        return self.block(samples) + b"".join(bytes(packet) for packet in self._encoder.encode(None))

    def _frame(self, samples: NDArray[np.int16]) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate = SAMPLE_RATE
        return frame
