"""The ASGI application: takes a request whole, lets Flask answer it in a thread when one is free, and sends the answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from flask import Flask

from webapp.core.config import Config
from webapp.front import wsgi
from webapp.front.body import BodyReader, Disconnected, NoRoom, Receive
from webapp.front.limits import Limits
from webapp.front.refusals import Refusals
from webapp.front.sending import Send, send_answer
from webapp.front.wsgi import Answer, Scope
from webapp.security.addresses import network_of

READERS = 4
"""Threads that read files which are sent."""


class TooBusy(Exception):
    """There are too many requests, of everybody or of one address."""


class Front:
    def __init__(self, app: Flask, config: Config, limits: Limits, folder: Path) -> None:
        """`folder`: where answers wait that are too large for memory."""
        self._app = app
        self._limits = limits
        self._proxies = config.trusted_proxies
        self._folder = folder
        self._refusals = Refusals(app)
        self._bodies = BodyReader(limits)
        self._threads = ThreadPoolExecutor(config.request_threads, "request")
        self._turns = asyncio.Semaphore(config.request_threads)
        self._waiting = 0
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._counted(scope):
                answer = await self._answer(scope, receive)
                await self._send(answer, receive, send)
        except Disconnected:
            pass
        except (NoRoom, TooBusy, wsgi.MadeTooSlowly):
            await self._send(self._refusals.busy(scope), receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        declared = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        async with self._bodies.read(receive, declared) as body, self._turn():
            environ = wsgi.environ_of(scope, body.file, body.size)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, wsgi.ask, self._app, environ, self._folder)

    async def _send(self, answer: Answer, receive: Receive, send: Send) -> None:
        try:
            await send_answer(answer, receive, send, self._readers)
        finally:
            if close := getattr(answer.body, "close", None):
                close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a thread. Raises TooBusy."""
        if self._waiting >= self._limits.queue:
            raise TooBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.queue_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise TooBusy from error
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        """Count the requests of an address that comes through a proxy; other connections are counted as they are made."""
        address = self._address(scope) if self._proxies else ""
        if self._of_address[address] >= self._limits.connections_per_address and address:
            raise TooBusy
        self._of_address[address] += 1
        try:
            yield
        finally:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def _address(self, scope: Scope) -> str:
        """Return the address that the outermost trusted proxy saw, as ProxyFix does for Flask (webapp.security.headers)."""
        told = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for").split(",")
        return network_of(told[-self._proxies].strip()) if len(told) >= self._proxies else ""
