"""The worker: takes broadcasts from the audio server, up to its capacity, and gives each a process of its own.

Why a process each: a Python process delivers every sound event to every `AudioStream` in it, a crash takes one broadcast and not
all, and a job that hangs can be killed. Jobs are forked from a process that has the model in memory already
(`agent.preload`).
"""

from __future__ import annotations

import asyncio
import logging
import signal
from functools import partial
from typing import cast

from livekit.agents import AgentServer, JobContext, JobProcess, JobRequest

from agent.config import AgentConfig, prepare_forking
from agent.denoise import Denoiser
from agent.session import Session
from contract import AGENT_NAME, BroadcastJob

logger = logging.getLogger(__name__)

FOR_EVER = 10**9


class Capacity:
    """Decides in the worker's main process who gets a place.

    Not left to the framework's load threshold: with one idle process it counts a job that is just starting as the whole
    machine, and of four broadcasts that begin together it loses three.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._starting = 0
        self._server: AgentServer | None = None

    def watch(self, server: AgentServer) -> None:
        self._server = server

    def load(self) -> float:
        """For the audio server's choice between workers. Below 1, so that a full worker is still asked and can say no."""
        return min(0.99, self._running() / self._places)

    def _running(self, but_for: str = "") -> int:
        jobs = self._server.active_jobs if self._server is not None else []
        return sum(job.job.room.name != but_for for job in jobs)

    async def answer(self, request: JobRequest) -> None:
        # A second job for a room replaces the first, which is dead or dying: that takes no place more.
        if self._running(but_for=request.room.name) + self._starting >= self._places:
            logger.warning("A broadcast was refused: all places are taken", extra={"places": self._places})
            await request.reject(terminate=False)
            return
        self._starting += 1
        try:
            await request.accept(identity=AGENT_NAME, name=AGENT_NAME)     # a fixed identity evicts a dead predecessor
        finally:
            self._starting -= 1


def check_model() -> None:
    """Raises ModelError, before any broadcast is taken."""
    Denoiser.load()


def prepare_process(process: JobProcess) -> None:
    """In a new process, before it has a job."""
    from agent.preload import denoiser      # loaded already in the process that this one was forked from

    process.userdata["denoiser"] = denoiser
    logging.getLogger("livekit").addFilter(_worth_saying)


def _worth_saying(record: logging.LogRecord) -> bool:
    """The SDK reports every normal end of a room as three errors."""
    return "closed unexpectedly" not in record.getMessage()


async def run_broadcast(ctx: JobContext, *, config: AgentConfig) -> None:
    """A job's entrypoint: returns when the broadcast is going."""
    session = Session(ctx, config, BroadcastJob.from_json(ctx.job.metadata), ctx.proc.userdata["denoiser"])
    ctx.proc.userdata["session"] = session

    async def close(_reason: str) -> None:
        await session.close()

    ctx.add_shutdown_callback(close)
    await session.start()


async def finish_broadcast(ctx: JobContext) -> None:
    session = cast("Session | None", ctx.proc.userdata.get("session"))
    if session is not None:
        await session.finish()


def make_server(config: AgentConfig) -> AgentServer:
    capacity = Capacity(config.capacity)
    server = AgentServer(
        ws_url=config.url,
        api_key=config.api_key,
        api_secret=config.api_secret,
        host="127.0.0.1",
        port=config.health_port,
        setup_fnc=prepare_process,
        load_fnc=capacity.load,
        load_threshold=float("inf"),            # see Capacity
        num_idle_processes=1,
        initialize_process_timeout=30,
        shutdown_process_timeout=5,
        session_end_timeout=10,
        max_retry=FOR_EVER,                     # the audio server may be away for as long as it likes
        preload_modules=["agent.preload"],
    )
    capacity.watch(server)
    server.rtc_session(
        partial(run_broadcast, config=config), agent_name=AGENT_NAME, on_request=capacity.answer, on_session_end=finish_broadcast,
    )
    return server


async def run(config: AgentConfig) -> None:
    """Works until SIGTERM or SIGINT. Broadcasts are not waited for: they go on in a later worker's job."""
    prepare_forking()
    server = make_server(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(server.run(), name="agent server")
    stopped = asyncio.create_task(stop.wait(), name="stop signal")
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        logger.info("Stopping")
        await server.aclose()
    await work
