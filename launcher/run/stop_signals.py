"""Turns Ctrl-C, SIGTERM and a closed terminal into an exception in the main thread."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


class StopRequested(Exception):
    """Is raised when somebody wants the launcher to end."""


@contextmanager
def raising() -> Iterator[None]:
    """Let stop signals raise StopRequested during the block."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    with _handling(stop):
        yield


@contextmanager
def held_off() -> Iterator[None]:
    """Ignore stop signals during the block: a second Ctrl-C must not interrupt the stopping and leave programs behind."""
    with _handling(signal.SIG_IGN):
        yield


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    ignored = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else []  # nohup asked for that
    before = {number: signal.signal(number, handler) for number in NUMBERS if number not in ignored}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
