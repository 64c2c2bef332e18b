"""Several processes that serve on one socket. They are forked when all is loaded, so they share the memory that it takes.

None of them needs another one. They only ring each other's bell after a commit, so that event streams of all learn of it at once.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Before a process that has died is started again."""


class Bell:
    """Rung by other processes. What reads it may be late: it hears that there was a ring, not how many."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        for end in (self.reading, self._writing):
            os.set_blocking(end, False)

    def ring(self) -> None:
        with suppress(BlockingIOError):  # it has been rung often enough
            os.write(self._writing, b"\0")

    def hear(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.reading, 4096)


class Processes:
    def __init__(self, count: int, serve: Callable[[Bell, Sequence[Bell]], None]) -> None:
        """`serve` is given the process's own bell and those of the others, and returns when the process shall end."""
        self._serve = serve
        self._bells = [Bell() for _ in range(count)]
        self._running: dict[int, int] = {}  # numbers of processes by their ids
        self._stopping = False

    def run(self) -> None:
        """Keep the processes running until a signal ends them all."""
        for wanted in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wanted, self._stop)
        for number in range(len(self._bells)):
            self._start(number)
        while self._running:
            pid, status = os.wait()
            number = self._running.pop(pid)
            if self._stopping:
                continue
            log.error("a process of the web app has died; starting another one", extra={"status": status})
            time.sleep(PAUSE_S)
            self._start(number)

    def _start(self, number: int) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = number
            if self._stopping:  # told while it was made
                os.kill(pid, signal.SIGTERM)
            return
        status = 1
        try:
            for told in (signal.SIGTERM, signal.SIGINT):  # before uvicorn has handlers of its own, and after it
                signal.signal(told, lambda *_: os._exit(0))
            bell = self._bells[number]
            self._serve(bell, [other for other in self._bells if other is not bell])
            status = 0
        except Exception:
            log.exception("a process of the web app failed")
        finally:
            os._exit(status)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
