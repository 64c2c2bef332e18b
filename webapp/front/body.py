"""Reads the body of a request whole, before anybody works on it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any

from webapp.front.limits import Limits

Receive = Callable[[], Awaitable[Any]]


class Disconnected(Exception):
    """The client has gone away, or was too slow (webapp.front.connection)."""


class NoRoom(Exception):
    """Too many large bodies are being kept."""


@dataclass(frozen=True)
class Body:
    file: IO[bytes]
    size: int  # more than the file has, if the body was too large to be kept


class BodyReader:
    """Keeps bodies in memory while they are read and worked on. What is larger than most forms shares one limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._large_bytes = 0

    @asynccontextmanager
    async def read(self, receive: Receive, declared: int) -> AsyncIterator[Body]:
        """`declared`: as Content-Length says, 0 when it says nothing. Raises Disconnected and NoRoom."""
        limits = self._limits
        pieces: list[bytes] = []
        size = large = 0
        more = declared <= limits.unread_bytes
        try:
            while more and size <= limits.unread_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                more = message["more_body"]
                size += len(message["body"])
                if max(size, declared) > limits.body_bytes:
                    pieces.clear()  # Flask will say that it is too large, when all has been read
                    continue
                pieces.append(message["body"])
                grown = max(0, size - limits.small_body_bytes) - large
                if self._large_bytes + grown > limits.large_bodies_bytes:
                    raise NoRoom
                self._large_bytes += grown
                large += grown
            yield Body(io.BytesIO(b"".join(pieces)), max(size, declared))
        finally:
            self._large_bytes -= large
