"""The open event streams of this process, and the one thread that wakes them.

It wakes them at once when this process commits, and within POLL_S when another one does. It only finds out whose pages have news;
each stream then reads its own rows.
"""

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
HEARTBEAT_EVERY = 20  # rounds between two heartbeats in the database
RETRY_AFTER_S = 10  # a page without a stream loads its lists this often instead


@dataclass(eq=False)
class EventStream:
    """One open `GET /events`."""

    user_id: int
    connection: socket.socket | None  # to the browser; None if the server does not provide it
    id: str = field(default_factory=new_id)
    news: threading.Event = field(default_factory=threading.Event)
    is_present: bool = False  # has its row in the database

    def has_left(self) -> bool:
        """Tell whether the browser has gone away, which a write would show only at the second try."""
        if self.connection is None:
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class EventHub:
    """Holds the event streams of one app: `app.extensions["events"]`. Its thread runs while there is a stream."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._app = app
        self._max_streams = config.event_streams
        self._max_streams_per_person = config.event_streams_per_person
        self._lock = threading.Lock()
        self._streams: set[EventStream] = set()
        self._poller: threading.Thread | None = None
        self._committed = threading.Event()
        self.is_serving: Callable[[], bool] = lambda: True  # set by gunicorn_conf: a process that stops ends its streams

    def open(self, user_id: int, connection: socket.socket | None, *, watching: bool = True) -> EventStream:
        """Open a stream. `watching`: its page is in the foreground.

        Raises Busy beyond the limit, because an open stream holds a thread, and requests must never wait for one.
        """
        stream = EventStream(user_id, connection)
        with self._lock:
            mine = sum(other.user_id == user_id and not other.has_left() for other in self._streams)
            if len(self._streams) >= self._max_streams or mine >= self._max_streams_per_person:
                raise Busy(
                    _("Too many pages are open at once. This page will check for updates every 10 s instead."),
                    retry_after_s=RETRY_AFTER_S,
                )
            self._streams.add(stream)
            if self._poller is None:
                self._poller = threading.Thread(target=self._poll, name="event-poller", daemon=True)
                self._poller.start()
        try:
            presence.connect(user_id, stream.id, watching=watching)
        except SQLAlchemyError:
            self._forget(stream)
            raise
        stream.is_present = True
        return stream

    def close(self, stream: EventStream) -> None:
        self._forget(stream)
        with self._app.app_context():
            presence.disconnect(stream.id)

    def is_over(self, stream: EventStream) -> bool:
        return stream.has_left() or not self.is_serving()

    def wake(self) -> None:
        """Look for news at once. Called after every commit of this process."""
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
                    last_id = self._wake_for_news(last_id)
            except Exception:  # the next round may work, and without a poller no page gets news
                log.exception("event poller failed; trying again")
            self._committed.wait(POLL_S)
            self._committed.clear()

    def _upkeep(self, round_number: int) -> None:
        if round_number % HEARTBEAT_EVERY == 0:
            with self._lock:
                present = {stream.id: stream.user_id for stream in self._streams if stream.is_present}
            presence.heartbeat(present)
        presence.expire()

    def _wake_for_news(self, last_id: int | None) -> int:
        """Wake the streams of people with events after `last_id` (None: all streams), and those that have to end.

        The database is read first, so a stream that opens in between reads for itself what it missed. Returns the newest id.
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
    """Return the current app's hub."""
    found: EventHub = current_app.extensions["events"]
    return found


@event.listens_for(db.session, "after_commit")
def _after_commit(_session: object) -> None:
    hub().wake()
