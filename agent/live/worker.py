"""The worker: takes broadcasts from the audio server, up to its capacity, and gives each a process of its own.

There are three reasons for a process each: a Python process delivers every sound event to every `AudioStream` in it, a crash
should take down one broadcast and not all, and a job that hangs can be killed. Jobs are forked from a process that has the model
in memory already (`agent.live.preload`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from functools import partial
from typing import cast

import aiohttp
from livekit import api
from livekit.agents import AgentServer, JobContext, JobProcess, JobRequest

from agent.config import AgentConfig, prepare_forking
from agent.denoise import Denoiser
from agent.denoise_service.client import SharedDenoiser
from agent.denoise_service.supervisor import DenoisingProcess, shared_denoising
from agent.live.capacity import capacity_of
from agent.live.health_page import Health, worker_page
from agent.live.session import Session
from agent.recording.repair import keep_repaired
from contract.messages import AGENT_NAME, BroadcastJob

logger = logging.getLogger(__name__)

RETRY_FOR_EVER = 10**9
API_TIMEOUT_S = 2.0
MAX_REPLACED_JOBS = 4
"""Jobs over the capacity that may be ending while others have taken over from them."""


class JobAdmission:
    """Decides in the worker's main process which jobs are taken.

    This is not left to the framework's load threshold: with one idle process it counts a job that is just starting as the whole
    machine, and of four broadcasts that begin together it loses three.
    """

    def __init__(self, capacity: int, livekit: api.LiveKitAPI, denoising: DenoisingProcess | None) -> None:
        self._capacity = capacity
        self._livekit = livekit
        self._denoising = denoising
        self._starting = 0
        self._server: AgentServer | None = None

    def watch(self, server: AgentServer) -> None:
        self._server = server

    def load(self) -> float:
        """Returns the load by which the audio server chooses between workers. It does not even ask a worker that says 0.7 or more
        (its `agents.target_load`), neither for the last streams of its capacity nor to replace a dead job. So a full one says
        0.6, is asked, and can refuse."""
        return 0.6 * min(1.0, self._running() / self._capacity)

    def health(self) -> Health:
        server = self._server
        # livekit-agents 1.8.9 has no public name for it: an id comes with the registration, and `_connecting` is true from the
        # loss of the audio server until it has been found again.
        is_registered = server is not None and server.id != "unregistered" and not server._connecting
        return Health(
            is_registered=is_registered,
            capacity=self._capacity,
            streams=self._running() + self._starting,
            is_denoising=self._denoising.pid is not None if self._denoising is not None else None,
        )

    def _running(self, but_for: str = "") -> int:
        """Counts jobs, without those in the room `but_for`."""
        jobs = self._server.active_jobs if self._server is not None else []
        return sum(job.job.room.name != but_for for job in jobs)

    async def answer(self, request: JobRequest) -> None:
        """Accepts or refuses a job."""
        # A second job for a room replaces the first, which is dead or dying: together they count as one.
        if self._running(but_for=request.room.name) + self._starting >= self._capacity:
            logger.warning("A broadcast was refused: all places are taken", extra={"capacity": self._capacity})
            await request.reject(terminate=False)
            return
        self._starting += 1
        try:
            await self._remove_predecessor(request.room.name)
            await request.accept(identity=AGENT_NAME, name=AGENT_NAME)
        finally:
            self._starting -= 1

    async def _remove_predecessor(self, room: str) -> None:
        """Removes a dead agent from the room before the audio server knows of the new job. It would evict an agent of the same
        identity by itself when the new one joins, but then it takes the new job for the one that has left, and ends it
        (livekit-server 1.13.5)."""
        identity = api.RoomParticipantIdentity(room=room, identity=AGENT_NAME)
        try:
            async with asyncio.timeout(API_TIMEOUT_S):  # livekit-api's own time-out does nothing
                await self._livekit.room.remove_participant(identity)
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                logger.warning("A dead agent could not be removed", extra={"error": error.message})
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("A dead agent could not be removed", extra={"error": str(error)})


def check_model() -> None:
    """Loads the model before any broadcast is taken. Raises ModelError."""
    Denoiser.load()


def prepare_process(process: JobProcess, *, denoising: bytes | None) -> None:
    """Called in a new process before it has a job. `denoising`: address of the denoising process."""
    # It is loaded already, in the process that this one was forked from.
    from agent.live.preload import denoiser

    process.userdata["denoiser"] = denoiser if denoising is None else SharedDenoiser(denoiser, denoising)
    sdk = logging.getLogger("livekit")
    sdk.setLevel(logging.WARNING)
    sdk.addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Drops the three errors that the SDK logs at every normal end of a room."""
    return "closed unexpectedly" not in record.getMessage()


async def run_broadcast(ctx: JobContext, *, config: AgentConfig) -> None:
    """Begins a job. Returns when the broadcast is going."""
    session = Session(ctx, config, BroadcastJob.from_json(ctx.job.metadata), ctx.proc.userdata["denoiser"])
    ctx.proc.userdata["session"] = session

    async def close(_reason: str) -> None:
        await session.close()

    ctx.add_shutdown_callback(close)
    await session.start()


async def finish_broadcast(ctx: JobContext) -> None:
    """Ends a job while its studio is still connected."""
    session = cast("Session | None", ctx.proc.userdata.get("session"))
    if session is not None:
        await session.finish()


def make_server(config: AgentConfig, admission: JobAdmission, denoising: bytes | None) -> AgentServer:
    server = AgentServer(
        ws_url=config.url,
        api_key=config.api_key,
        api_secret=config.api_secret,
        host="127.0.0.1",
        port=0,  # its own health page, which nobody reads: see agent.live.health_page
        setup_fnc=partial(prepare_process, denoising=denoising),
        load_fnc=admission.load,
        load_threshold=float("inf"),  # see JobAdmission
        num_idle_processes=1,
        initialize_process_timeout=30,
        shutdown_process_timeout=5,
        session_end_timeout=10,
        max_retry=RETRY_FOR_EVER,  # the audio server may be away for as long as it likes
        preload_modules=["agent.live.preload"],
    )
    admission.watch(server)
    server.rtc_session(
        partial(run_broadcast, config=config),
        agent_name=AGENT_NAME,
        on_request=admission.answer,
        on_session_end=finish_broadcast,
    )
    return server


async def run(config: AgentConfig, *, shared: bool = True) -> None:
    """Works until SIGTERM or SIGINT. It does not wait for broadcasts: they go on in a later worker's job.

    `shared`: one denoising process for all jobs; otherwise each job computes by itself.
    """
    prepare_forking()
    capacity = config.capacity or capacity_of(config.data)
    async with (
        shared_denoising(capacity + MAX_REPLACED_JOBS) if shared else contextlib.nullcontext() as denoising,
        api.LiveKitAPI(config.url, config.api_key, config.api_secret, failover=False) as livekit,
    ):
        admission = JobAdmission(capacity, livekit, denoising)
        address = denoising.address if denoising is not None else None
        async with worker_page(config.health_port, admission.health):
            await _work(config, make_server(config, admission, address))


async def _work(config: AgentConfig, server: AgentServer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(server.run(), name="agent server")
    stopped = asyncio.create_task(stop.wait(), name="stop signal")
    repairs = asyncio.create_task(keep_repaired(config.recordings), name="repair recordings")
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    repairs.cancel()
    await asyncio.wait({repairs})
    if not work.done():
        logger.info("Stopping")
        await server.aclose()
    await work
