"""Runs uvicorn with our connections, our application and a stop that ends event streams first."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Sequence
from typing import cast

import uvicorn
from flask import Flask

from webapp.core.config import Config
from webapp.front.app import Front
from webapp.front.connection import Connection, look_after
from webapp.front.limits import Limits
from webapp.front.processes import Bell
from webapp.presence.hub import EventHub

BACKLOG = 2048
TAKEN_S = 3.0
CLOSING_S = 2.0


def listening(config: Config) -> socket.socket:
    """Take the address. The processes of a predecessor that was killed let go of it a moment later."""
    end = time.monotonic() + TAKEN_S
    while True:
        try:
            return _listening(config)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise
        time.sleep(0.05)


def _listening(config: Config) -> socket.socket:
    address = config.host, config.port
    if ":" not in config.host:
        return socket.create_server(address, backlog=BACKLOG)
    everywhere = config.host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address, family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=everywhere)


def _ring(bells: Sequence[Bell]) -> None:
    for bell in bells:
        bell.ring()


class Server(uvicorn.Server):
    def __init__(self, app: Flask, config: Config, limits: Limits, bell: Bell, others: Sequence[Bell], parent: int) -> None:
        """`bell` is rung by `others`, the other processes on the same socket. It ends when `parent` has."""
        protocol = Connection.within(limits, count_addresses=not config.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                Front(app, config, limits),
                loop="uvloop",
                http=protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # ProxyFix decides which proxies are believed (STILLAIR_TRUSTED_PROXIES)
                server_header=False,
                timeout_graceful_shutdown=limits.stop_s,
            )
        )
        self._hub: EventHub = app.extensions["events"]
        self._hub.tell_others = lambda: _ring(others)
        self._look_every_s = limits.look_every_s
        self._bell = bell
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._bell.reading, self._hear)
        connections = cast("set[Connection]", self.server_state.connections)
        self._look_after = asyncio.create_task(look_after(connections, self._look_every_s))

    def _hear(self) -> None:
        self._bell.hear()
        self._hub.wake()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or os.getppid() != self._parent

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.stop()
        await super().shutdown(sockets)
        self._look_after.cancel()
        self._hub.wait_until_closed(CLOSING_S)
