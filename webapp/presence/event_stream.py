"""One open `GET /events`: what its page has not been sent yet.

It is the body of the answer. The server in front of Flask recognises it and sends it without a thread (webapp.front.sending); for
any other WSGI server it is an iterable that waits.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from webapp.models import new_id

HEARTBEAT_S = 5  # proxies close connections that are silent for a minute
HEARTBEAT = ":\n\n"
RECONNECT_MS = 2000
MAX_WAITING = 1000
"""Events that wait for a page which does not read. It resumes after the last one that it has read."""


@dataclass(frozen=True)
class News:
    """An event as it is sent."""

    id: int
    text: str

    @classmethod
    def of(cls, event_id: int, kind: str, data: object) -> News:
        return cls(event_id, f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(data)}\n\n")

    @classmethod
    def opening(cls, last_id: int) -> News:
        return cls(last_id, f"retry: {RECONNECT_MS}\nid: {last_id}\n\n")


class EventStream:
    def __init__(self, user_id: int, log_in: str, on_close: Callable[[EventStream], None]) -> None:
        """`log_in`: hash of the token with which it was opened. `on_close` is called once, whatever becomes of the answer."""
        self.id = new_id()
        self.user_id = user_id
        self.log_in = log_in
        self.is_present = False  # has its row in the database
        self.is_over = False
        self.on_news: Callable[[], None] = threading.Event().set
        """Called by any thread when there is something to take, or when the stream is over."""
        self._opening: deque[News] = deque()
        self._news: deque[News] = deque()
        self._last_id = 0
        self._on_close = on_close

    def begin(self, opening: Iterable[News]) -> None:
        """Let these come first. What has arrived meanwhile follows, but for what is among them."""
        self._opening.extend(opening)

    def add(self, news: Iterable[News]) -> None:
        self._news.extend(news)
        if len(self._news) > MAX_WAITING:
            self.is_over = True
        self.on_news()

    def end(self) -> None:
        self.is_over = True
        self.on_news()

    def take(self) -> str:
        """Return what is to be sent next; empty when there is nothing now, and when the stream is over."""
        while not self.is_over and (waiting := self._opening or self._news):
            news = waiting.popleft()
            if waiting is self._opening or news.id > self._last_id:
                self._last_id = news.id
                return news.text
        return ""

    def __iter__(self) -> Iterator[bytes]:
        woken = threading.Event()
        self.on_news = woken.set
        while not self.is_over:
            woken.clear()
            while text := self.take():
                yield text.encode()
            if not self.is_over and not woken.wait(HEARTBEAT_S):
                yield HEARTBEAT.encode()

    def close(self) -> None:
        self._on_close(self)
