"""Bodies of answers that the server in front of Flask sends by itself (webapp.front.sending): files, and what is made on the way.

It recognises them by their class and asks for piece after piece, so no thread waits for whoever reads them. For any other WSGI
server they are iterables like all others. They never leave the process, so nobody outside can make one.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from flask import request
from werkzeug import Response

CHUNK_BYTES = 128 * 1024


class OpenFile(Protocol):
    def seek(self, offset: int, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class SentBody(ABC):
    """`on_close` is called once, whatever becomes of the answer."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._finish = weakref.finalize(self, on_close)

    @abstractmethod
    def read(self) -> bytes:
        """Return the next piece; nothing at the end."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def close(self) -> None:
        self._finish()


def _nothing() -> None:
    pass


class FileBody(SentBody):
    """A file, or a part of one."""

    def __init__(self, file: OpenFile, size: int, on_close: Callable[[], None] = _nothing) -> None:
        """Own `file`, of which the first `size` bytes are sent."""
        super().__init__(lambda: _close_both(file.close, on_close))
        self._file = file
        self._position, self._end = 0, size

    @property
    def left(self) -> int:
        return self._end - self._position

    def narrow(self, start: int, end: int) -> None:
        """Send this part of the file alone."""
        self._position, self._end = start, min(end, self._end)

    def read(self) -> bytes:
        self._file.seek(self._position)
        data = self._file.read(min(CHUNK_BYTES, self.left))
        self._position += len(data)
        return data


class MadeBody(SentBody):
    """Pieces that are made one after the other, each when the one before has been taken."""

    def __init__(self, pieces: Generator[bytes, None, None], on_close: Callable[[], None] = _nothing) -> None:
        super().__init__(lambda: _close_both(pieces.close, on_close))
        self._pieces = pieces

    def read(self) -> bytes:
        return next(filter(None, self._pieces), b"")


def _close_both(first: Callable[[], None], second: Callable[[], None]) -> None:
    try:
        first()
    finally:
        second()


def send(response: Response, body: FileBody) -> Response:
    """Give `response` the whole of this body."""
    response.response, response.direct_passthrough = body, True
    response.content_length = body.left
    return response


def send_range(response: Response, body: FileBody, asked: str | None = None) -> Response:
    """Give `response` this body, or the part of it that the request asks for (RFC 9110, 14).

    `asked` takes the place of the request's Range header. Raises RequestedRangeNotSatisfiable.
    """
    size = body.left
    environ = {**request.environ, "HTTP_RANGE": asked} if asked else request.environ
    try:
        send(response, body).make_conditional(environ, accept_ranges=True, complete_length=size)
    except BaseException:
        body.close()
        raise
    if response.status_code == 206:
        part = response.content_range
        body.narrow(part.start or 0, part.stop or size)
        response.response = body  # Werkzeug has wrapped it, for it knows of no part by itself
    return response
