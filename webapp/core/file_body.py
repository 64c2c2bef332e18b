"""The body of an answer that is a file, or a part of one.

The server in front of Flask recognises it and sends it by itself (webapp.front.sending), so no thread waits for whoever reads it.
For any other WSGI server it is an iterable like all others. It never leaves the process, so nobody outside can make one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

from flask import request
from werkzeug import Response as BaseResponse

CHUNK_BYTES = 128 * 1024


class OpenFile(Protocol):
    def seek(self, offset: int, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def _nothing() -> None:
    pass


class FileBody:
    def __init__(self, file: OpenFile, size: int, on_close: Callable[[], None] = _nothing) -> None:
        """Own `file`, of which the first `size` bytes are sent. `on_close` is called once, whatever becomes of the answer."""
        self._file = file
        self._position, self._end = 0, size
        self._finish = weakref.finalize(self, _close, file, on_close)

    @property
    def left(self) -> int:
        return self._end - self._position

    def narrow(self, start: int, end: int) -> None:
        """Send this part of the file alone."""
        self._position, self._end = start, min(end, self._end)

    def read(self, most: int = CHUNK_BYTES) -> bytes:
        """Return the next piece; nothing at the end, or when the file is shorter than it was."""
        self._file.seek(self._position)
        data = self._file.read(min(most, self.left))
        self._position += len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def close(self) -> None:
        self._finish()


def _close(file: OpenFile, on_close: Callable[[], None]) -> None:
    try:
        file.close()
    finally:
        on_close()


def send(response: BaseResponse, body: FileBody, asked_range: str | None = None) -> BaseResponse:
    """Give `response` this body, or the part of it that the request asks for (RFC 9110, 14).

    `asked_range` takes the place of the request's Range header. Raises RequestedRangeNotSatisfiable.
    """
    size = body.left
    environ = {**request.environ, "HTTP_RANGE": asked_range} if asked_range else request.environ
    response.response, response.direct_passthrough = body, True
    response.content_length = size
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=size)
    except BaseException:
        body.close()
        raise
    if response.status_code == 206:
        part = response.content_range
        body.narrow(part.start or 0, part.stop or size)
        response.response = body  # Werkzeug has wrapped it, for it knows of no part by itself
    return response
