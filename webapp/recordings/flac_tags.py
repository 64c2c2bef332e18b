"""Writes title, artist and date into a FLAC that is downloaded (RFC 9639, 8.6: Vorbis comment).

They use the room that the noise remover leaves before the first frame. The file on the disk stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from contract.recording import RECORDING_AUDIO_AT, RECORDING_HEAD_BYTES

VENDOR = b"Stillair"
_VORBIS_COMMENT = 4
_PADDING = 1
_LAST = 0x80
_BLOCK_HEADER = 4  # bytes


def with_tags(header: bytes, tags: Mapping[str, str]) -> bytes:
    """Return `header`, which is everything before the first frame, with tags and of the same length.

    It is unchanged when there is no room for them.
    """
    room = RECORDING_AUDIO_AT - RECORDING_HEAD_BYTES - 2 * _BLOCK_HEADER
    free = header[RECORDING_HEAD_BYTES:]
    if len(header) != RECORDING_AUDIO_AT or free[0] != _LAST | _PADDING or any(free[_BLOCK_HEADER:]):
        return header
    comment = _text(VENDOR) + len(tags).to_bytes(4, "little")
    comment += b"".join(_text(f"{name}={value}".encode()) for name, value in tags.items())
    if len(comment) > room:
        return header
    padding = bytes(room - len(comment))
    return header[:RECORDING_HEAD_BYTES] + _block(_VORBIS_COMMENT, comment) + _block(_LAST | _PADDING, padding)


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little") + text


def _block(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(3, "big") + content
