"""Reads requests from one connection (uvicorn's, with httptools), and keeps clients to the time and the size that they have.

uvicorn itself waits for ever for a header, a body, or a client that does not read. Here one task looks at all connections once a
second, which is cheaper than a timer for each.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webapp.front.limits import Limits
from webapp.security.addresses import network_of

NO_LINGER = struct.pack("ii", 1, 0)
SEND_BUFFER_BYTES = 256 * 1024
CLOSE = b"connection: close\r\ncontent-length: 0\r\n\r\n"
TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\n" + CLOSE
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + CLOSE
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\n" + CLOSE


class Connection(HttpToolsProtocol):
    limits: ClassVar[Limits]
    count_addresses: ClassVar[bool]
    of_address: ClassVar[Counter[str]]

    @classmethod
    def within(cls, limits: Limits, *, count_addresses: bool) -> type[Connection]:
        """Return the protocol of one server. `count_addresses`: no proxy stands in front, which would have all connections."""
        return type("Connection", (cls,), {"limits": limits, "count_addresses": count_addresses, "of_address": Counter()})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._address = ""
        self._begun_at: float | None = None  # of the request that is being read
        self._reads_head = True
        self._received = 0  # bytes of its headers, then of its body
        self._written_at: float | None = None  # when the client took something last; None: it has taken all
        self._waiting_bytes = 0  # of the answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._bound_the_system()
        self._begun_at = self.loop.time()
        self._address = network_of(self.client[0]) if self.client and self.count_addresses else ""
        self.of_address[self._address] += 1
        most = self.limits.connections_per_address if self._address else self.limits.connections
        if len(self.connections) > self.limits.connections or self.of_address[self._address] > most:
            self._refuse(BUSY)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.of_address[self._address] -= 1
        if not self.of_address[self._address]:
            del self.of_address[self._address]

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._reads_head:
            self._received += len(data)
            if self._received > self.limits.head_bytes:
                self._refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun_at = self.loop.time()
        self._reads_head, self._received = True, 0

    def on_headers_complete(self) -> None:
        self._begun_at = self.loop.time()
        self._reads_head, self._received = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._begun_at = None
        super().on_message_complete()

    def look(self, now: float) -> None:
        """End the connection if the client is too slow."""
        if self._begun_at is not None:
            limits = self.limits
            patience = limits.head_s if self._reads_head else limits.body_s + self._received / limits.body_bytes_per_s
            if now - self._begun_at > patience:
                self._refuse(TIMEOUT)
                return
        waiting_bytes = self.transport.get_write_buffer_size()
        if not waiting_bytes:
            self._written_at = None
        elif self._written_at is None or waiting_bytes < self._waiting_bytes:
            self._written_at = now
        elif now - self._written_at > self.limits.write_s:
            self._cut_off()
        self._waiting_bytes = waiting_bytes

    def _refuse(self, answer: bytes) -> None:
        """Close, with an answer of the server's own if none has begun."""
        self._begun_at = None
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not cycle.response_complete and (cycle.response_started or self.pipeline):
            self._cut_off()
            return
        if self._reads_head or not (cycle and cycle.response_complete):
            self.transport.write(answer)
        self.transport.close()

    def _bound_the_system(self) -> None:
        """Keep the system from holding megabytes for a client that does not read, and from waiting for it for ever."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * self.limits.write_s))

    def _cut_off(self) -> None:
        """Close without sending what waits, of which the system would keep megabytes for minutes."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()


async def look_after(connections: set[Connection], every_s: float) -> None:
    """End connections of slow clients, until this task is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every_s)
        for connection in list(connections):
            connection.look(loop.time())
