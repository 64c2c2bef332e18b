"""The open event streams of this process, and the one thread that wakes them: at once when this process commits, and
within POLL_S when another does. It only tells whose pages have news; each stream reads its own rows."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.errors import Busy
from webapp.events import outbox
from webapp.models import new_id
from webapp.presence import presence

log = logging.getLogger(__name__)

POLL_S = 0.5
KEEP_EVERY = 20  # rounds between two signs of life in the database
RETRY_AFTER_S = 10  # how often a page without a stream asks for the lists instead


@dataclass(eq=False)
class EventStream:
    """One open `GET /events`."""

    user_id: int
    connection: socket.socket | None  # to the browser; None when the server does not show it
    id: str = field(default_factory=new_id)
    news: threading.Event = field(default_factory=threading.Event)
    is_present: bool = False  # has its row in the database

    def has_left(self) -> bool:
        """Whether the browser has gone away. Writing would tell only at the second try."""
        if self.connection is None:
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class EventHub:
    """`app.extensions["events"]`. The thread runs while there is a stream."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._app = app
        self._most = config.event_streams
        self._most_per_person = config.event_streams_per_person
        self._lock = threading.Lock()
        self._streams: set[EventStream] = set()
        self._poller: threading.Thread | None = None
        self._committed = threading.Event()
        self.is_serving: Callable[[], bool] = lambda: True  # gunicorn.py sets it: a process that stops ends its streams

    def open(self, user_id: int, connection: socket.socket | None, *, watching: bool = True) -> EventStream:
        """`watching`: the page is in sight.

        Raises Busy beyond the budget: an open stream holds a thread, and requests must never wait for one.
        """
        stream = EventStream(user_id, connection)
        with self._lock:
            mine = sum(other.user_id == user_id and not other.has_left() for other in self._streams)
            if len(self._streams) >= self._most or mine >= self._most_per_person:
                raise Busy(_("Too many pages are open at once. This one looks for news every 10 s."), retry_after_s=RETRY_AFTER_S)
            self._streams.add(stream)
            if self._poller is None:
                self._poller = threading.Thread(target=self._poll, name="event-poller", daemon=True)
                self._poller.start()
        try:
            presence.enter(user_id, stream.id, watching=watching)
        except SQLAlchemyError:
            self._forget(stream)
            raise
        stream.is_present = True
        return stream

    def close(self, stream: EventStream) -> None:
        self._forget(stream)
        with self._app.app_context():
            presence.leave(stream.id)

    def is_over(self, stream: EventStream) -> bool:
        return stream.has_left() or not self.is_serving()

    def wake(self) -> None:
        """This process has committed something."""
        self._committed.set()

    def _forget(self, stream: EventStream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def _poll(self) -> None:
        last_id = None
        for round_number in itertools.count():
            with self._lock:
                if not self._streams:
                    self._poller = None  # under the lock: the next `open` starts a new thread
                    return
            try:
                with self._app.app_context():
                    self._upkeep(round_number)
                    last_id = self._tell_news(last_id)
            except Exception:  # whatever it was, the next round may work; without a poller all pages stand still
                log.exception("event poller failed; trying again")
            self._committed.wait(POLL_S)
            self._committed.clear()

    def _upkeep(self, round_number: int) -> None:
        if round_number % KEEP_EVERY == 0:
            with self._lock:
                present = {stream.id: stream.user_id for stream in self._streams if stream.is_present}
            presence.keep(present)
        presence.sweep()

    def _tell_news(self, last_id: int | None) -> int:
        """Wakes the streams of those who have events after `last_id`, all the first time (None), and those that shall end.

        The database is read before the streams are: one that opens in between reads for itself what it missed. Returns the newest
        id.
        """
        newest = outbox.latest_id()
        concerned = None if last_id is None else outbox.concerned_after(last_id)
        with self._lock:
            for stream in self._streams:
                has_news = concerned is None or stream.user_id in concerned
                if has_news or self.is_over(stream):
                    stream.news.set()
        return newest


def init_app(app: Flask, config: Config) -> None:
    app.extensions["events"] = EventHub(app, config)


def hub() -> EventHub:
    """The current app's."""
    found: EventHub = current_app.extensions["events"]
    return found


@event.listens_for(db.session, "after_commit")
def _after_commit(_session: object) -> None:
    hub().wake()
