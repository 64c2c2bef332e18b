"""When a recording has to stop: its owner may have no more, or the disk is nearly full."""

from __future__ import annotations

import errno

from agent.recording.files import RecordingFolder
from agent.recording.timeline import CAUSE_QUOTA


class LimitReached(OSError):
    """Says that the recording is as long as its owner may have it."""


class Space:
    """Watches the disk and the limit. The recorder's caller sets the two fields; every thread may call `check`."""

    def __init__(self, storage: RecordingFolder) -> None:
        self._storage = storage
        self.max_bytes: int | None = None  # that the sound file may have
        self.is_closing = False

    def check(self, size: int) -> None:
        """Raises LimitReached or another OSError when a file of `size` bytes must not grow."""
        if self.is_closing:  # at most 30 s wait now, and for those there is room below the low-water mark
            return
        self._storage.check_room()
        if self.max_bytes is not None and size >= self.max_bytes:
            raise LimitReached(errno.EDQUOT, CAUSE_QUOTA)
