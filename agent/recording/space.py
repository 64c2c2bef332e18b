"""When a recording has to stop: its owner may have no more, or the disk is nearly full."""

from __future__ import annotations

import errno

from agent.recording.files import RecordingFolder
from agent.recording.timeline import CAUSE_QUOTA


class LimitReached(OSError):
    """The recording is as long as its owner may have it."""


class Space:
    """May be used by every thread: the recorder's caller sets the two fields, and whoever writes looks at them."""

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
