"""How the worker is, on loopback: GET / says 200 while broadcasts can come, else 503, and how many places are taken.

livekit-agents has such a page too, but that says 200 from the first moment, and during every loss of the audio server.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass

from aiohttp import web


@dataclass(frozen=True)
class Health:
    registered: bool        # with the audio server, which can send broadcasts only then
    places: int             # streams that are cleaned at once, at most
    taken: int


@contextlib.asynccontextmanager
async def health_page(port: int, ask: Callable[[], Health]) -> AsyncIterator[None]:
    """Serves it while the context is open. Raises OSError when the port is taken."""
    async def show(_request: web.Request) -> web.Response:
        health = ask()
        return web.json_response(asdict(health), status=200 if health.registered else 503)

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()
