"""The noise remover's page, on loopback and for the web app only.

    GET /                             its health: 200 while broadcasts can come, else 503, and how its workers are
    GET /samples/NAME                 a noisy sample that was cleaned on this machine: its meter and its picture, as JSON
    GET /samples/NAME/clean.flac      its sound
    GET /samples/NAME/original.flac   and the sound before

livekit-agents has a health page too, but that says 200 from the first moment, and during every loss of the audio server.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web

from agent.denoise import ModelError
from agent.live.report import Report
from agent.samples import Sample, Samples

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """Says how the worker is, as the web app reads it."""

    is_registered: bool  # with the audio server, which can send broadcasts only then
    capacity: int  # streams that can be cleaned at once
    streams: int  # that are being cleaned, or are about to
    workers: list[Report]  # of those that run
    wanted_workers: int

    def to_json(self) -> dict[str, object]:
        return {
            "registered": self.is_registered,
            "places": self.capacity,
            "taken": self.streams,
            "wanted_workers": self.wanted_workers,
            "workers": [
                {
                    "registered": worker.is_registered,
                    "places": worker.capacity,
                    "taken": worker.streams,
                    "desk": worker.desk,
                    "late_ms": round(worker.late_ms, 1),
                    "handed_over_ms": round(worker.handed_over_ms, 1),
                    "lost_frames": worker.lost_frames,
                }
                for worker in self.workers
            ],
        }


@contextlib.asynccontextmanager
async def health_page(port: int, health: Callable[[], Health]) -> AsyncIterator[None]:
    """Serves the page while the context is open. Raises OSError when the port is taken."""
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
    """Answers the requests."""

    def __init__(self, health: Callable[[], Health]) -> None:
        self._health = health
        self._samples = Samples()

    async def health(self, _request: web.Request) -> web.Response:
        health = self._health()
        return web.json_response(health.to_json(), status=200 if health.is_registered else 503)

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
