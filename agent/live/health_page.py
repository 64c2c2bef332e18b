"""The worker's page, on loopback and for the web app only.

    GET /                             how the worker is: 200 while broadcasts can come, else 503, and how many places are taken
    GET /samples/NAME                 a noisy sample that was cleaned on this machine: its meter and its picture, as JSON
    GET /samples/NAME/clean.flac      and its sound
    GET /samples/NAME/original.flac

livekit-agents has a health page too, but that says 200 from the first moment, and during every loss of the audio server.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass

from aiohttp import web

from agent.denoise import ModelError
from agent.samples import Sample, Samples

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    registered: bool  # with the audio server, which can send broadcasts only then
    places: int  # streams that are cleaned at once, at most
    taken: int
    denoising: bool | None  # whether the process that all streams share runs; None: this system has none


@contextlib.asynccontextmanager
async def worker_page(port: int, health: Callable[[], Health]) -> AsyncIterator[None]:
    """Serves it while the context is open. Raises OSError when the port is taken."""
    page = _Page(health)
    app = web.Application()
    app.router.add_get("/", page.health)
    app.router.add_get("/samples/{name}", page.description)
    app.router.add_get("/samples/{name}/{sound}.flac", page.sound)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


class _Page:
    def __init__(self, health: Callable[[], Health]) -> None:
        self._health = health
        self._samples = Samples()

    async def health(self, _request: web.Request) -> web.Response:
        health = self._health()
        return web.json_response(asdict(health), status=200 if health.registered else 503)

    async def description(self, request: web.Request) -> web.Response:
        sample = await self._sample(request)
        return web.json_response(sample.description, headers={"ETag": f'"{sample.version}"'})

    async def sound(self, request: web.Request) -> web.Response:
        sample = await self._sample(request)
        sounds = {"clean": sample.clean, "original": sample.original}
        body = sounds.get(request.match_info["sound"])
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="audio/flac", headers={"ETag": f'"{sample.version}"'})

    async def _sample(self, request: web.Request) -> Sample:
        try:
            return await self._samples.get(request.match_info["name"])
        except KeyError as error:
            raise web.HTTPNotFound from error
        except ModelError as error:
            logger.exception("A sample cannot be cleaned")
            raise web.HTTPServiceUnavailable from error
