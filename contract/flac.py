"""Reads headers and checksums of FLAC frames (RFC 9639, 9), and gives a frame another place in a file.

Standard library only, like all of this package. The agent's repair and the web app's clips both go from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

FIXED = b"\xff\xf8"  # all blocks but the last have one size, and headers count frames
VARIABLE = b"\xff\xf9"  # headers count samples

# Checksums (RFC 9639, 9.1.8 and 9.3). A region that ends with its own checksum has the checksum 0. They are computed here and not
# by a library such as fastcrc, because the repair needs the CRC after every byte, and `renumber` must leave damage visible.


@cache
def _crc8_table() -> tuple[int, ...]:
    def step(value: int) -> int:
        for _ in range(8):
            value = (value << 1 ^ (0x07 if value & 0x80 else 0)) & 0xFF
        return value

    return tuple(step(value) for value in range(256))


@cache
def crc16_table() -> tuple[int, ...]:
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
    table = crc16_table()
    value = 0
    for byte in data:
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
    return value


# Frames


@dataclass(frozen=True)
class FrameHeader:
    number: int  # of the frame, counted from 0, or of its first sample
    samples: int
    channels: int
    size: int  # bytes, its CRC-8 included
    number_size: int  # bytes of the coded number, which starts at byte 4
    counts_samples: bool


def parse_frame_header(data: bytes) -> FrameHeader | None:
    """Return the header that `data` begins with, or None if it has none (sync code, reserved values and CRC-8 are checked)."""
    if len(data) < 6 or data[:2] not in (FIXED, VARIABLE):
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
        samples = int.from_bytes(data[size_at : size_at + size_bytes], "big") + 1
    elif size_code == 1:
        samples = 192
    else:
        samples = 576 << (size_code - 2) if size_code < 6 else 256 << (size_code - 8)
    channels_code = data[3] >> 4
    channels = channels_code + 1 if channels_code < 8 else 2  # 8 to 10: stereo as left, right or mid, and their difference
    return FrameHeader(number, samples, channels, size, number_size, data[:2] == VARIABLE)


def _read_number(data: bytes) -> tuple[int, int] | None:
    """Read a number of up to 36 bits that is coded like a character in UTF-8, and return it with its length in bytes."""
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


def renumber(frame: bytes, number: int, *, counts_samples: bool = False) -> bytes:
    """Return the frame as frame `number`, or as the frame that begins with sample `number`. The sound itself is not read."""
    head = parse_frame_header(frame[:16])
    if head is None:
        raise ValueError("not a FLAC frame")
    if (head.number, head.counts_samples) == (number, counts_samples):
        return frame
    sync = VARIABLE if counts_samples else FIXED
    start = sync + frame[2:4] + _code_number(number) + frame[4 + head.number_size : head.size - 1]
    start += bytes([crc8(start)])
    # Checksums are linear: that of the frame changes by what the header's has changed, moved behind the rest of the frame.
    change = _moved(crc16(frame[: head.size]) ^ crc16(start), len(frame) - head.size - 2)
    check = int.from_bytes(frame[-2:], "big") ^ change
    return start + frame[head.size : -2] + check.to_bytes(2, "big")


def _moved(check: int, zeros: int) -> int:
    """Return the CRC-16 `check` after so many more bytes that are 0."""
    return _times(_power(zeros), check)


@cache
def _power(zeros: int) -> int:
    """Return what becomes of the checksum 1 after so many bytes that are 0."""
    value = 1
    for bit in f"{8 * zeros:b}":
        value = _times(value, value)
        if bit == "1":
            value = _times(value, 2)
    return value


def _times(a: int, b: int) -> int:
    """Multiply two checksums as polynomials."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x18005 if a & 0x8000 else 0)
        b >>= 1
    return product
