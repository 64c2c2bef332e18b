"""A worker: a process that takes broadcasts from the audio server, up to its capacity, and cleans them all at one desk.

Each broadcast is a job on a thread with an event loop of its own, for its rooms and controls; its sound takes another way
(agent.desk). One worker of a machine's crew (agent.live.crew) runs on each core. It reports to the crew over a pipe, and ends
when the other end is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any, cast

import aiohttp
from livekit import api
from livekit.agents import AgentServer, JobContext, JobExecutorType, JobRequest
from livekit.agents.job import RunningJobInfo

from agent.config import AgentConfig
from agent.denoise import Denoiser
from agent.desk.desk import Desk
from agent.desk.load_shedder import WELL
from agent.live.report import Report
from agent.live.sdk_events import router
from agent.live.session import Session
from contract.messages import AGENT_NAME, BroadcastJob

logger = logging.getLogger(__name__)

RETRY_FOR_EVER = 10**9
API_TIMEOUT_S = 2.0
REPORT_S = 0.5
BETWEEN_STARTS_S = 0.1
"""Jobs that start all at once would keep the interpreter from the desk: one after the other, they do not."""
SWITCH_S = 0.0005
"""How long the desk may have to wait for another thread that computes in Python; 5 ms is the usual time."""


class JobAdmission:
    """Decides which jobs are taken.

    This is not left to the framework's load threshold: with one idle place it counts a job that is just starting as the whole
    machine, and of four broadcasts that begin together it loses three.
    """

    def __init__(self, capacity: int, livekit: api.LiveKitAPI, desk: Desk) -> None:
        self._capacity = capacity
        self._livekit = livekit
        self._desk = desk
        self._starting = 0
        self._turn = asyncio.Lock()
        self._server: AgentServer | None = None

    def watch(self, server: AgentServer) -> None:
        self._server = server

    def load(self) -> float:
        """Returns the load by which the audio server chooses between workers. It does not even ask a worker that says 0.7 or more
        (its `agents.target_load`), neither for the last streams of its capacity nor to replace a dead job. So a full one says
        0.6, is asked, and can refuse."""
        return 0.6 * min(1.0, self._running() / self._capacity)

    def report(self) -> Report:
        server = self._server
        # livekit-agents 1.8.9 has no public name for it: an id comes with the registration, and `_connecting` is true from the
        # loss of the audio server until it has been found again.
        is_registered = server is not None and server.id != "unregistered" and not server._connecting
        jobs = {job.job.room.name: job.job.metadata for job in self._jobs()}
        return Report(
            is_registered=is_registered,
            capacity=self._capacity,
            streams=self._running() + self._starting,
            jobs=jobs,
            desk=self._desk.stage,
            late_ms=1e3 * self._desk.late_s,
            handed_over_ms=1e3 * self._desk.handed_over_s,
            lost_frames=self._desk.lost,
        )

    def _running(self, but_for: str = "") -> int:
        """Counts jobs, without those in the room `but_for`."""
        return sum(job.job.room.name != but_for for job in self._jobs())

    def _jobs(self) -> list[RunningJobInfo]:
        """Before the server runs it cannot even be asked (livekit-agents 1.8.9)."""
        is_running = self._server is not None and self._server.id != "unregistered"
        return self._server.active_jobs if self._server is not None and is_running else []

    async def answer(self, request: JobRequest) -> None:
        """Accepts or refuses a job."""
        # A second job for a room replaces the first, which is dead or dying: together they count as one.
        room = request.room.name
        is_full = self._running(but_for=room) + self._starting >= self._capacity
        if is_full or self._desk.stage != WELL:
            words = "all places are taken" if is_full else "the machine is too slow for more"
            logger.warning(f"A broadcast was refused: {words}", extra={"capacity": self._capacity, "desk": self._desk.stage})
            await request.reject(terminate=False)
            return
        self._starting += 1
        async with self._turn:
            try:
                await self._remove_predecessor(room)
                await request.accept(identity=AGENT_NAME, name=AGENT_NAME)
            finally:
                self._starting -= 1
            await asyncio.sleep(BETWEEN_STARTS_S)

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


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Drops the three errors that the SDK logs at every normal end of a room."""
    return "closed unexpectedly" not in record.getMessage()


async def run_broadcast(ctx: JobContext, *, config: AgentConfig, desk: Desk) -> None:
    """Begins a job. Returns when the broadcast is going."""
    session = Session(ctx, config, BroadcastJob.from_json(ctx.job.metadata), desk)
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


def make_server(config: AgentConfig, admission: JobAdmission, desk: Desk) -> AgentServer:
    server = AgentServer(
        ws_url=config.url,
        api_key=config.api_key,
        api_secret=config.api_secret,
        host="127.0.0.1",
        port=0,  # its own health page, which nobody reads: see agent.live.health_page
        job_executor_type=JobExecutorType.THREAD,
        load_fnc=admission.load,
        load_threshold=float("inf"),  # see JobAdmission
        num_idle_processes=1,
        shutdown_process_timeout=5,
        session_end_timeout=10,
        max_retry=RETRY_FOR_EVER,  # the audio server may be away for as long as it likes
    )
    admission.watch(server)
    server.rtc_session(
        partial(run_broadcast, config=config, desk=desk),
        agent_name=AGENT_NAME,
        on_request=admission.answer,
        on_session_end=finish_broadcast,
    )
    return server


async def run(config: AgentConfig, denoiser: Denoiser, capacity: int, pipe: int) -> None:
    """Works until SIGTERM, or until the crew is gone. It does not wait for broadcasts: they go on in another worker's job.

    `pipe`: file descriptor to which it reports.
    """
    sys.setswitchinterval(SWITCH_S)
    sdk = logging.getLogger("livekit")
    sdk.setLevel(logging.WARNING)
    sdk.addFilter(_is_worth_logging)
    logging.getLogger("livekit.agents").setLevel(logging.INFO)
    router()
    desk = Desk(denoiser)
    try:
        async with api.LiveKitAPI(config.url, config.api_key, config.api_secret, failover=False) as livekit:
            admission = JobAdmission(capacity, livekit, desk)
            server = make_server(config, admission, desk)
            await _work(server, _report(admission, desk, pipe))
    finally:
        desk.stop()


async def _report(admission: JobAdmission, desk: Desk, pipe: int) -> None:
    """Tells the crew how it is, twice a second, and nothing while the desk hangs: then it is taken for dead."""
    os.set_blocking(pipe, False)
    while True:
        if not desk.is_hung:
            try:
                os.write(pipe, json.dumps(admission.report().to_json()).encode() + b"\n")
            except BlockingIOError:
                logger.debug("The crew does not read")
            except BrokenPipeError:
                logger.warning("The crew is gone")
                return
        await asyncio.sleep(REPORT_S)


async def _work(server: AgentServer, report: Coroutine[Any, Any, None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    work = asyncio.create_task(server.run(), name="agent server")
    stopped = asyncio.create_task(stop.wait(), name="stop signal")
    reporting = asyncio.create_task(report, name="report")
    await asyncio.wait({work, stopped, reporting}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        logger.info("Stopping")
        await server.aclose()
    await work
    if reporting.done():
        await reporting
    reporting.cancel()
