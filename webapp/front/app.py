"""The ASGI application: takes a request whole, lets Flask answer it in a thread when one is free, and sends the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from flask import Flask
from werkzeug.exceptions import HTTPException

from webapp.core.config import Config
from webapp.core.long_work import is_long
from webapp.front import wsgi
from webapp.front.body import BodyReader, Disconnected, NoRoom, Receive
from webapp.front.limits import Limits
from webapp.front.refusals import Refusals
from webapp.front.sending import Send, send_answer
from webapp.front.threads import Threads, TooBusy
from webapp.front.wsgi import Answer, Scope
from webapp.security.addresses import network_of

READERS = 4


class Front:
    def __init__(self, app: Flask, config: Config, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._proxies = config.trusted_proxies
        self._refusals = Refusals(app)
        self._bodies = BodyReader(limits)
        self._pages = Threads(config.request_threads, "request", limits)
        self._long_work = Threads(config.long_work_threads, "long-work", limits)
        self._routes = app.url_map.bind("")
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._counted(scope):
                answer = await self._answer(scope, receive)
                await self._send(answer, receive, send)
        except Disconnected:
            pass
        except (NoRoom, TooBusy):
            await self._send(self._refusals.busy(scope), receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        declared = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        async with self._bodies.read(receive, declared) as body:
            threads = self._long_work if self._is_long(scope) else self._pages
            return await threads.run(wsgi.ask, self._app, wsgi.environ_of(scope, body.file, body.size))

    def _is_long(self, scope: Scope) -> bool:
        try:
            endpoint, _ = self._routes.match(scope["path"], scope["method"])
        except HTTPException:
            return False
        return is_long(self._app.view_functions[endpoint])

    async def _send(self, answer: Answer, receive: Receive, send: Send) -> None:
        try:
            await send_answer(answer, receive, send, self._readers)
        finally:
            if close := getattr(answer.body, "close", None):
                close()

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
