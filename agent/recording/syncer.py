"""Puts on the disk what was written, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

SYNC_EVERY_S = 1.0


class Syncer:
    """Calls `sync` every second: a slow disk may take a second for it, and sound must not wait in this process's memory
    meanwhile. The first OSError ends it. Its methods are called by the writer's thread."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._wake = threading.Event()
        self._stopping = False
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="recorder sync", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._sync()
            except OSError as trouble:
                self._trouble = trouble
                return
            self._wake.wait(SYNC_EVERY_S)
            self._wake.clear()

    def hurry(self) -> None:
        """Syncs soon, and not only when the second is over."""
        self._wake.set()

    def check(self) -> None:
        """Raises the OSError that ended it."""
        if self._trouble:
            raise self._trouble

    def stop(self) -> None:
        """Waits for a sync that has begun."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
