"""Shows a person what the launcher is doing: every wait of more than a second says what it waits for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SHOWN_AFTER_S = 1.0
REPEATED_AFTER_S = 15.0
"""Without a terminal a line cannot be rewritten, so a log gets a new one now and then."""


class Step:
    """Represents one wait. `detail` may be changed while it lasts and is shown behind the words."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.detail = ""
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def __str__(self) -> str:
        return f"{self.words} ({self.detail})" if self.detail else self.words


class Console:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()

    def say(self, text: str) -> None:
        self._write(text + "\n")

    @contextmanager
    def step(self, words: str) -> Iterator[Step]:
        """Show `words` if the block takes longer than a second, and at its end how long it took."""
        step = Step(words)
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, over), name="console", daemon=True)
        ticker.start()
        outcome = "broken off"
        try:
            yield step
            outcome = "done"
        finally:
            over.set()
            ticker.join()
            if step.seconds >= SHOWN_AFTER_S:
                self._replace_line(f"{step.words}: {outcome} in {step.seconds:.0f} s", last=True)

    def _tick(self, step: Step, over: threading.Event) -> None:
        if over.wait(SHOWN_AFTER_S):
            return
        while True:
            self._replace_line(f"{step} ... {step.seconds:.0f} s" if self._terminal else f"{step} ...")
            if over.wait(SHOWN_AFTER_S if self._terminal else REPEATED_AFTER_S):
                return

    def _replace_line(self, text: str, *, last: bool = False) -> None:
        if self._terminal:
            self._write(f"\r\x1b[K{text}" + ("\n" if last else ""))
        else:
            self._write(text + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
