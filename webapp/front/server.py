"""Runs uvicorn with our connections, our application and a stop that ends event streams first."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import uvicorn
from flask import Flask

from webapp.core.config import Config
from webapp.front.app import Front
from webapp.front.connection import Connection, look_after
from webapp.front.limits import Limits
from webapp.presence.hub import EventHub


class Server(uvicorn.Server):
    def __init__(self, app: Flask, config: Config, limits: Limits) -> None:
        protocol = Connection.within(limits, count_addresses=not config.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                Front(app, config, limits),
                host=config.host,
                port=config.port,
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
        self._look_every_s = limits.look_every_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._look_after = asyncio.create_task(
            look_after(cast("set[Connection]", self.server_state.connections), self._look_every_s)
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.stop()
        await super().shutdown(sockets)
        self._look_after.cancel()
