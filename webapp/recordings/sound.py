"""Reads the sound of a recording from its FLAC file, also while it still grows."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from contract.fields import DocumentError
from contract.recording import RECORDING_AUDIO_AT, RecordingHead
from webapp.core.errors import Conflict
from webapp.recordings.flac_tags import with_tags

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

LAYOUTS = {1: "mono", 2: "stereo"}
"""FFmpeg's names, by the number of channels."""


class Sound(io.RawIOBase):
    """A recording as it is at this moment, whole and valid, although the file may grow while it is read.

    It ends where its head says, and the head is the one that was read first: a reader gets the length that was promised.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position = 0
        found = os.fstat(descriptor)
        self._head = os.pread(descriptor, RECORDING_AUDIO_AT, 0)
        self.modified_at = found.st_mtime  # seconds since the epoch
        try:
            head = RecordingHead.from_bytes(self._head)
        except DocumentError:  # damaged: what is there is served as it is
            head = RecordingHead(samples=0, end=found.st_size)
        self.samples = head.samples
        self.channels = head.channels
        self.size = min(head.end, found.st_size)  # bytes
        self.version = f"{self.size:x}-{found.st_mtime_ns:x}"

    def tag(self, tags: Mapping[str, str]) -> None:
        """Let readers find these tags in it."""
        self._head = with_tags(self._head, tags)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self.size - self._position))
        if self._position < len(self._head):
            data = self._head[self._position : self._position + wanted]
        else:
            data = os.pread(self._descriptor, wanted, self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


@contextmanager
def decoding() -> Iterator[None]:
    """Raise Conflict where the block finds sound that cannot be decoded."""
    from av.error import FFmpegError

    try:
        yield
    except (FFmpegError, IndexError) as error:  # the latter if there is no sound in the file at all
        log.exception("a damaged recording was not decoded")
        words = _(
            "The sound file of this recording is damaged, so this cannot be made from it. The file is kept: download the FLAC."
        )
        raise Conflict(words) from error
