"""What may go on only so many times at once in this process, for everybody and for one person. Nobody waits for a turn: whoever
finds none is told when to try again."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask, current_app
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from webapp.core.errors import Busy, TooMany


@dataclass(frozen=True)
class Limit:
    at_once: int
    busy: LazyString
    of_person: int
    too_many: LazyString
    retry_after_s: int


LIMITS = {
    "sound": Limit(  # that is sent; a page plays one recording, and a browser opens six connections
        1000,
        lazy_gettext("Too many recordings are being downloaded. Try again in a minute."),
        8,
        lazy_gettext("You are downloading too many recordings at once. Try again when one of them is finished."),
        60,
    ),
    "clip": Limit(
        2,
        lazy_gettext("Other clips are being cut. The recording is safe. Try again in a few seconds."),
        1,
        lazy_gettext("Your last clip is still being cut. The recording is safe. Try again in a few seconds."),
        5,
    ),
    "opus": Limit(  # live streams need the cores
        1,
        lazy_gettext("Another recording is being converted. Try again in half a minute."),
        1,
        lazy_gettext("Another recording is being converted for you. Try again in half a minute."),
        30,
    ),
    "takeout": Limit(
        20,
        lazy_gettext("Others are downloading their data right now. Try again in a few minutes."),
        1,
        lazy_gettext("Your data is being downloaded already. Try again when that is finished."),
        120,
    ),
}


class _Taken:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_person: defaultdict[str, Counter[int]] = defaultdict(Counter)


def init_app(app: Flask) -> None:
    app.extensions["turns"] = _Taken()


def take(kind: str, person_id: int) -> Callable[[], None]:
    """Return what gives the turn back, to be called once. Raises Busy and TooMany."""
    limit, taken = LIMITS[kind], _taken()
    counts = taken.by_person[kind]

    def give_back() -> None:
        with taken.lock:
            counts[person_id] -= 1
            if not counts[person_id]:
                del counts[person_id]

    with taken.lock:
        if counts[person_id] >= limit.of_person:
            raise TooMany(str(limit.too_many), retry_after_s=limit.retry_after_s)
        if counts.total() >= limit.at_once:
            raise Busy(str(limit.busy), retry_after_s=limit.retry_after_s)
        counts[person_id] += 1
    return give_back


@contextmanager
def turn(kind: str, person_id: int) -> Iterator[None]:
    """Have a turn for as long as the block takes. Raises Busy and TooMany."""
    give_back = take(kind, person_id)
    try:
        yield
    finally:
        give_back()


def _taken() -> _Taken:
    found: _Taken = current_app.extensions["turns"]
    return found
