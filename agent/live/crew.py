"""The crew: one worker for each core, watched over by this process, which starts them, ends those that hang, and has the
broadcasts of a dead one taken over by the others at once.

A worker reports twice a second over a pipe. Whoever says nothing for HUNG_S is killed: it may be stopped, or stuck, and
while it lives its listeners hear nothing. A worker that dies leaves its broadcasts to whom the audio server chooses.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

import aiohttp
from livekit import api

from agent.config import AgentConfig
from agent.live import member
from agent.live.report import Report
from contract.messages import AGENT_NAME

logger = logging.getLogger(__name__)

HUNG_S = 1.5
START_S = 60.0
"""How long a worker may take to report for the first time."""
WATCH_S = 0.25
STOP_S = 12.0
MIN_REST_S = 0.2
MAX_REST_S = 30.0
GOOD_S = 60.0
"""After a life as long as this the rests begin with the first again."""
TAKE_OVER_S = 10.0
PRELOAD = "agent.live.preload"

ENVIRONMENT = {
    # Memory in pages of 2 MB where the system has them: the network's weights, read once per hop, then need 5 entries of the
    # processor's page table cache instead of 2,300. Hops of eight voices took 10 to 14 % less time.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    # No threads of the linear algebra library, and none of the speech models of livekit-agents (240 MB).
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS": "0",
}


def shares(capacity: int, workers: int) -> list[int]:
    """Returns the places of each worker, at least one each: there are no more workers than places."""
    workers = min(capacity, workers)
    return [capacity // workers + (number < capacity % workers) for number in range(workers)]


class Member:
    """One place in the crew: a worker, and after its death the next one."""

    def __init__(self, number: int, capacity: int) -> None:
        self.number = number
        self.capacity = capacity
        self.report: Report | None = None  # the newest one of the worker that runs now
        self._process: ForkServerProcess | None = None
        self._heard_at = 0.0
        self.is_stopping = False

    async def live(self, forks: ForkServerContext) -> dict[str, str]:
        """Runs one worker to its end. Returns the jobs that it leaves behind: their metadata, by the room. Raises OSError."""
        ours, theirs = forks.Pipe(duplex=False)
        process = forks.Process(target=member.main, args=(self.capacity, theirs), name=f"worker {self.number}")
        with theirs:
            await asyncio.to_thread(process.start)
        self._process = process
        self._heard_at = time.monotonic()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(process.sentinel, ended.set)
        tasks = [asyncio.create_task(self._listen(ours)), asyncio.create_task(self._watch(process))]
        if self.is_stopping:
            self.stop()
        try:
            await ended.wait()
        finally:
            loop.remove_reader(process.sentinel)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._process = None
        process.join()
        level = logging.INFO if self.is_stopping else logging.ERROR
        logger.log(level, "A worker has ended", extra={"pid": process.pid, "exit_code": process.exitcode})
        left, self.report = self.report, None
        return left.jobs if left is not None else {}

    async def _listen(self, pipe: Connection) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(pipe.fileno()), "rb")
        )
        pipe.close()
        try:
            while line := await reader.readline():
                self.report = Report.from_line(line)
                self._heard_at = max(self._heard_at, time.monotonic())
        finally:
            transport.close()

    async def _watch(self, process: ForkServerProcess) -> None:
        looked_at = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_S)
            now = time.monotonic()
            if now - looked_at > 3 * WATCH_S:
                self._heard_at += now - looked_at  # this process was kept from the processor itself
            looked_at = now
            limit_s = HUNG_S if self.report is not None else START_S
            if now - self._heard_at > limit_s and not self.is_stopping:
                logger.error("A worker says nothing and is killed", extra={"pid": process.pid})
                process.kill()

    def stop(self) -> None:
        self.is_stopping = True
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


class Crew:
    """All workers of this machine."""

    def __init__(self, livekit: api.LiveKitAPI, forks: ForkServerContext, members: list[Member]) -> None:
        self._livekit = livekit
        self._forks = forks
        self.members = members
        self._take_overs: set[asyncio.Task[None]] = set()

    @property
    def reports(self) -> list[Report]:
        return [place.report for place in self.members if place.report is not None]

    async def keep(self, place: Member) -> None:
        """Keeps a worker running in this place. Returns when it is to stop."""
        rest_s = MIN_REST_S
        while not place.is_stopping:
            began = time.monotonic()
            try:
                left = await place.live(self._forks)
            except OSError:  # no process or no pipe to be had now
                logger.exception("A worker could not be started")
                left = {}
            if place.is_stopping:
                return
            for room, metadata in left.items():
                self._have_taken_over(room, metadata)
            rest_s = MIN_REST_S if time.monotonic() - began > GOOD_S else rest_s
            await asyncio.sleep(rest_s)
            rest_s = min(2 * rest_s, MAX_REST_S)

    def _have_taken_over(self, room: str, metadata: str) -> None:
        task = asyncio.create_task(self._dispatch(room, metadata), name=f"take over {room}")
        self._take_overs.add(task)
        task.add_done_callback(self._take_overs.discard)

    async def _dispatch(self, room: str, metadata: str) -> None:
        """Asks for another worker. Should none be free, the web app asks again."""
        request = api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room, metadata=metadata)
        try:
            async with asyncio.timeout(TAKE_OVER_S):
                await self._livekit.agent_dispatch.create_dispatch(request)
            logger.info("A broadcast is to be taken over", extra={"room": room})
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:  # the stream may be over
            logger.warning("A broadcast is left behind", extra={"room": room, "error": str(error)})

    async def stop(self, tasks: list[asyncio.Task[Any]]) -> None:
        for place in self.members:
            place.stop()
        _, alive = await asyncio.wait(tasks, timeout=STOP_S)
        if alive:
            logger.error("Some workers did not stop in time and are killed")
            for place in self.members:
                place.kill()
            await asyncio.wait(alive)


def _forks() -> ForkServerContext:
    """Workers are forked from a process that has loaded everything, the network included, and share its memory."""
    os.environ.update(ENVIRONMENT)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    return context


@contextlib.asynccontextmanager
async def crew(config: AgentConfig, capacity: int) -> AsyncIterator[Crew]:
    """Runs a crew with so many places while the context is open."""
    members = [Member(number, places) for number, places in enumerate(shares(capacity, config.workers))]
    async with api.LiveKitAPI(config.url, config.api_key, config.api_secret, failover=False) as livekit:
        made = Crew(livekit, _forks(), members)
        tasks = [asyncio.create_task(made.keep(place), name=f"worker {place.number}") for place in members]
        try:
            yield made
        finally:
            await made.stop(tasks)
