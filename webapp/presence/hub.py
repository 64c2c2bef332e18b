"""The open event streams of this process, and the one thread that gives them their events.

It reads new rows at once when this process commits, and within POLL_S when another one does: all of them in one query, whatever
the number of streams. So it looks at log-ins, too.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from webapp.accounts import sessions
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.errors import Busy
from webapp.events import outbox
from webapp.presence import presence
from webapp.presence.event_stream import EventStream, News

log = logging.getLogger(__name__)

POLL_S = 0.5
LOG_INS_EVERY_S = 4.0
"""How long a stream may outlive its log-in when it has no news; 5 s are promised."""
HEARTBEAT_EVERY_S = 10.0
AT_ONCE, PAUSE_S = 50, 0.005
"""Of many streams with news, so many are woken at once; pages want their turn between them."""
RETRY_AFTER_S = 10  # a page without a stream loads its lists this often instead


class EventHub:
    """Holds the event streams of one app: `app.extensions["events"]`. Its thread runs while there is a stream."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._app = app
        self._max_streams = config.event_streams
        self._max_streams_per_person = config.event_streams_per_person
        self._lock = threading.Lock()
        self._streams: set[EventStream] = set()
        self._left: set[str] = set()  # ids of streams that were closed, and are still in the database
        self._poller: threading.Thread | None = None
        self._woken = threading.Event()
        self._stopping = False
        self.tell_others: Callable[[], None] = lambda: None  # set by webapp.front.server: other processes look for news, too
        self._position = 0  # id of the last event that was given to streams

    def open(self, user_id: int, log_in: str, position: int, *, watching: bool = True) -> EventStream:
        """Open a stream, which is given every event after `position`, an id from before this call.

        `watching`: its page is in the foreground. Raises Busy beyond the limit.
        """
        stream = EventStream(user_id, log_in, self._close)
        with self._lock:
            if self._stopping or len(self._streams) >= self._max_streams:
                raise _too_many()
            self._streams.add(stream)
            if self._poller is None:
                self._position = position
                self._poller = threading.Thread(target=self._poll, name="event-poller", daemon=True)
                self._poller.start()
        try:
            self._note_who_left()
            if not presence.connect(user_id, stream.id, watching=watching, most=self._max_streams_per_person):
                raise _too_many()
        except (SQLAlchemyError, Busy):
            self._close(stream)
            raise
        stream.is_present = True
        return stream

    def wake(self) -> None:
        """Look for news at once. Called after every commit of this process."""
        self._woken.set()

    def stop(self) -> None:
        """End all streams, and refuse new ones. The pages connect again by themselves."""
        with self._lock:
            self._stopping = True
            streams = list(self._streams)
        for stream in streams:
            stream.end()

    def wait_until_closed(self, timeout_s: float) -> None:
        """Wait until everybody whose stream has ended is noted as gone."""
        if poller := self._poller:
            poller.join(timeout_s)

    def _close(self, stream: EventStream) -> None:
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)
                self._left.add(stream.id)
        self.wake()

    def _poll(self) -> None:
        log_ins_at = heartbeat_at = time.monotonic()
        for round_number in itertools.count():
            try:
                with self._app.app_context():
                    self._note_who_left()
                    if not self._has_streams():
                        return
                    now = time.monotonic()
                    if round_number == 0 or now >= heartbeat_at:
                        heartbeat_at = now + HEARTBEAT_EVERY_S
                        self._heartbeat()
                    presence.expire()
                    self._give_news()
                    if now >= log_ins_at:
                        log_ins_at = now + LOG_INS_EVERY_S
                        self._end_without_log_in(self._open_streams())
            except Exception:  # the next round may work, and without a poller no page gets news
                log.exception("event poller failed; trying again")
                if not self._has_streams():
                    return
            self._woken.wait(POLL_S)
            self._woken.clear()

    def _has_streams(self) -> bool:
        """Tell whether the poller has to go on; else it is forgotten, and the next `open` starts another one."""
        with self._lock:
            if not self._streams and not self._left:
                self._poller = None
            return self._poller is not None

    def _open_streams(self) -> list[EventStream]:
        with self._lock:
            return list(self._streams)

    def _note_who_left(self) -> None:
        with self._lock:
            left = set(self._left)
        if left:
            presence.disconnect(left)
            with self._lock:
                self._left -= left

    def _heartbeat(self) -> None:
        presence.heartbeat({stream.id: stream.user_id for stream in self._open_streams() if stream.is_present})

    def _give_news(self) -> None:
        """Give streams the events of their people. Streams are looked up after the events are read, so none is missed."""
        by_person: dict[int, list[News]] = defaultdict(list)
        for found in outbox.all_after(self._position):
            by_person[found.user_id].append(News.of(found.id, found.kind, found.data))
            self._position = found.id
        concerned = [stream for stream in self._open_streams() if stream.user_id in by_person]
        self._end_without_log_in(concerned)
        db.session.rollback()  # no connection is held between the pauses
        for number, stream in enumerate(concerned, start=1):
            if not stream.is_over:
                self._tell(stream, by_person[stream.user_id])
            if number % AT_ONCE == 0:
                time.sleep(PAUSE_S)

    def _tell(self, stream: EventStream, news: list[News]) -> None:
        with suppress(RuntimeError):  # the server's loop has been closed
            stream.add(news)

    def _end_without_log_in(self, streams: Collection[EventStream]) -> None:
        open_ones = sessions.open_hashes({stream.user_id for stream in streams})
        for stream in streams:
            if stream.log_in not in open_ones:
                stream.end()


def _too_many() -> Busy:
    message = _("Too many pages are open at once. This page will check for updates every 10 s instead.")
    return Busy(message, retry_after_s=RETRY_AFTER_S)


def init_app(app: Flask, config: Config) -> None:
    app.extensions["events"] = EventHub(app, config)


def hub() -> EventHub:
    """Return the current app's hub."""
    found: EventHub = current_app.extensions["events"]
    return found


@event.listens_for(db.session, "after_commit")
def _after_commit(_session: object) -> None:
    hub().wake()
    hub().tell_others()
