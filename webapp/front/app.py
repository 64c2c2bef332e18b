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
        self._long_of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            # Where no proxy stands in front, connections are counted as they are made (webapp.front.connection).
            address = self._address(scope) if self._proxies else ""
            most = self._limits.connections_per_address if address else self._limits.connections
            with _one_more(self._of_address, address, most):
                answer = await self._answer(scope, receive)
                await self._send(answer, receive, send)
        except Disconnected:
            pass
        except (NoRoom, TooBusy):
            await self._send(self._refusals.busy(scope), receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        declared = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        async with self._bodies.read(receive, declared) as body:
            environ = wsgi.environ_of(scope, body.file, body.size)
            if not self._is_long(scope):
                return await self._pages.run(wsgi.ask, self._app, environ)
            with _one_more(self._long_of_address, self._address(scope), self._limits.long_work_per_address):
                return await self._long_work.run(wsgi.ask, self._app, environ)

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

    def _address(self, scope: Scope) -> str:
        """Return the network of the client: as the outermost trusted proxy saw it, as ProxyFix does (webapp.security.headers)."""
        if self._proxies:
            told = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for").split(",")
            return network_of(told[-self._proxies].strip()) if len(told) >= self._proxies else ""
        return network_of(scope["client"][0]) if scope["client"] else ""


@contextmanager
def _one_more(counts: Counter[str], address: str, most: int) -> Iterator[None]:
    """Count something of an address while it lasts. Raises TooBusy."""
    if counts[address] >= most:
        raise TooBusy
    counts[address] += 1
    try:
        yield
    finally:
        counts[address] -= 1
        if not counts[address]:
            del counts[address]
