"""FLAC as bytes (RFC 9639): single frames, and where a damaged file is still good.

A recording is 48 kHz, 16 bit, mono or stereo, in frames of 4608 samples (96 ms); only its last frame may be shorter. Samples of
one channel are an array [n], of two [n, 2]. Nothing here knows of files or threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from mmap import mmap

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from contract import RECORDING_AUDIO_AT, SAMPLE_RATE, RecordingHead

BLOCK_SAMPLES = 4608
MAX_FRAME_BYTES = 2 * BLOCK_SAMPLES + 32    # a mono frame that could not be compressed, and its headers
MAX_STEREO_FRAME_BYTES = 5 * BLOCK_SAMPLES + 32     # the difference of two channels has 17 bits
MIN_FRAME_BYTES = 10

LAYOUTS = {1: "mono", 2: "stereo"}

_SYNC = b"\xff\xf8"                         # fixed block size: the header counts frames, not samples


# Checksums (RFC 9639, 9.1.8 and 9.3). A region that ends with its own checksum has the checksum 0.


@cache
def _crc8_table() -> tuple[int, ...]:
    def step(value: int) -> int:
        for _ in range(8):
            value = (value << 1 ^ (0x07 if value & 0x80 else 0)) & 0xFF
        return value

    return tuple(step(value) for value in range(256))


@cache
def _crc16_table() -> tuple[int, ...]:
    def step(value: int) -> int:
        for _ in range(8):
            value = (value << 1 ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
        return value

    return tuple(step(value << 8) for value in range(256))


def crc8(data: bytes) -> int:
    table = _crc8_table()
    value = 0
    for byte in data:
        value = table[value ^ byte]
    return value


def crc16(data: bytes) -> int:
    table = _crc16_table()
    value = 0
    for byte in data:
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
    return value


# Frames


@dataclass(frozen=True)
class FrameHeader:
    number: int               # counted from 0
    samples: int
    channels: int
    size: int                 # bytes, its CRC-8 included
    number_size: int          # bytes of the coded number, which starts at byte 4


@dataclass(frozen=True)
class Frame:
    """A whole frame that was decoded to prove it."""

    start: int                # bytes
    end: int
    number: int
    samples: int
    channels: int = 1


def parse_frame_header(data: bytes) -> FrameHeader | None:
    """The frame header that `data` begins with; None when there is none (sync code, reserved values and CRC-8 are checked)."""
    if len(data) < 6 or data[:2] != _SYNC:
        return None
    size_code, rate_code = data[2] >> 4, data[2] & 0x0F
    if size_code == 0 or rate_code == 15 or data[3] & 1:
        return None
    coded = _read_number(data[4:11])
    if coded is None:
        return None
    number, number_size = coded
    size_bytes = {6: 1, 7: 2}.get(size_code, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    size_at = 4 + number_size
    size = size_at + size_bytes + rate_bytes + 1
    if len(data) < size or crc8(data[:size]) != 0:
        return None
    if size_bytes:
        samples = int.from_bytes(data[size_at:size_at + size_bytes], "big") + 1
    elif size_code == 1:
        samples = 192
    else:
        samples = 576 << (size_code - 2) if size_code < 6 else 256 << (size_code - 8)
    channels_code = data[3] >> 4
    channels = channels_code + 1 if channels_code < 8 else 2        # 8 to 10: stereo as left, right or mid, and their difference
    return FrameHeader(number, samples, channels, size, number_size)


def _read_number(data: bytes) -> tuple[int, int] | None:
    """A number coded as UTF-8 codes characters, up to 36 bits: its value and its length in bytes."""
    first = data[0]
    if first < 0x80:
        return first, 1
    length = 8 - (~first & 0xFF).bit_length()
    if not 2 <= length <= 7 or len(data) < length:
        return None
    value = first & (0x7F >> length)
    for byte in data[1:length]:
        if byte & 0xC0 != 0x80:
            return None
        value = value << 6 | byte & 0x3F
    return value, length


def _code_number(number: int) -> bytes:
    if number < 0x80:
        return bytes([number])
    length = next(length for length in range(2, 8) if number < 1 << 5 * length + 1)
    tail = [0x80 | number >> 6 * place & 0x3F for place in reversed(range(length - 1))]
    lead = 0xFF00 >> length & 0xFF
    return bytes([lead | number >> 6 * (length - 1), *tail])


def renumber(frame: bytes, number: int) -> bytes:
    """The same sound as frame `number`: a second encoder counts from 0 again, and a file must not."""
    head = parse_frame_header(frame)
    if head is None:
        raise ValueError("not a FLAC frame")
    if head.number == number:
        return frame
    start = frame[:4] + _code_number(number) + frame[4 + head.number_size:head.size - 1]
    whole = start + bytes([crc8(start)]) + frame[head.size:-2]
    return whole + crc16(whole).to_bytes(2, "big")


def decode_frame(frame: bytes) -> NDArray[np.int16] | None:
    """Samples of one whole frame; None when it is damaged or cut. Bytes after its end are not noticed."""
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
    """Of a frame of 16 bit that was decoded."""
    channels = frame.layout.nb_channels
    return shaped(np.asarray(frame.to_ndarray(), np.int16), channels)


def shaped(samples: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """Interleaved samples as this module has them."""
    return samples.reshape(-1) if channels == 1 else samples.reshape(-1, channels)


def read_frame(data: bytes | mmap, start: int, limit: int) -> Frame | None:
    """The frame that begins at `start` and ends at or before `limit`; None when there is no whole one.

    A frame does not say how long it is. Where its checksum comes out as 0 it may end, which happens by chance as well, so
    the first such place that decodes is taken: before its true end a frame cannot be decoded.
    """
    head = parse_frame_header(data[start:min(limit, start + 16)])
    if head is None:
        return None
    longest = MAX_FRAME_BYTES if head.channels == 1 else MAX_STEREO_FRAME_BYTES
    window = data[start:min(limit, start + longest)]
    table = _crc16_table()
    value = 0
    for index, byte in enumerate(window):
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
        if value == 0 and index > head.size and decode_frame(window[:index + 1]) is not None:
            return Frame(start, start + index + 1, head.number, head.samples, head.channels)
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
    while (start := data.rfind(_SYNC, RECORDING_AUDIO_AT, start)) >= 0:
        frame = read_frame(data, start, limit)
        # A file of so many bytes cannot hold more frames than this: what says otherwise is not ours.
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
        return b"".join(bytes(packet) for packet in self._encoder.encode(self._frame(samples)))

    def last(self, samples: NDArray[np.int16]) -> bytes:
        """The rest, 1 to 4608 samples. The encoder cannot be used again."""
        return self.block(samples) + b"".join(bytes(packet) for packet in self._encoder.encode(None))

    def _frame(self, samples: NDArray[np.int16]) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate = SAMPLE_RATE
        return frame
