"""Starts the machine's denoising process with the worker, starts it again when it dies, and ends it with the worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from agent.denoise_service import server
from agent.denoise_service.link import listen
from agent.denoise_service.shared_memory import supported

logger = logging.getLogger(__name__)

MIN_REST_S = 0.2
MAX_REST_S = 30.0
GOOD_S = 60.0
"""After a life as long as this the rests begin with the first again."""

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Memory in pages of 2 MB where the system has them: the network's weights, read once per hop, then need 5 entries of the
processor's page table cache instead of 2,300. Hops took 3 to 14 % less time, the reading of weights 30 % less."""


@contextlib.asynccontextmanager
async def shared_denoising(slots: int) -> AsyncIterator[DenoisingProcess | None]:
    """A denoising process for as many voices, while the context is open; None where the system cannot have one."""
    if not supported():
        logger.warning("This system has no memory to share without a name: each job has a noise remover of its own")
        yield None
        return
    async with DenoisingProcess(slots) as process:
        yield process


class DenoisingProcess:
    """Runs while the context is open. The listening socket is kept here, so that jobs may knock while there is no process."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._listener = listen()
        self.address: bytes = self._listener.getsockname()
        self.pid: int | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="denoising process")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self._listener.close()

    async def _keep(self) -> None:
        rest_s = MIN_REST_S
        while True:
            began = time.monotonic()
            try:
                code: int | None = await self._run()
            except OSError:  # no process or no pipe to be had now
                logger.exception("The denoising process could not be started")
                code = None
            if time.monotonic() - began > GOOD_S:
                rest_s = MIN_REST_S
            logger.warning(
                "There is no denoising process; until the next one is there each job works by itself",
                extra={"exit_code": code, "next_in_s": rest_s},
            )
            await asyncio.sleep(rest_s)
            rest_s = min(2 * rest_s, MAX_REST_S)

    async def _run(self) -> int:
        """One life of the process -> its exit code."""
        lifeline, held = os.pipe()  # the process ends when nobody holds the other end, however this one dies
        listener = self._listener.fileno()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                server.__name__,
                str(listener),
                str(self._slots),
                str(lifeline),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(listener, lifeline),
                env=os.environ | HUGE_PAGES,
            )
            self.pid = process.pid
            logger.info("The denoising process runs", extra={"pid": process.pid, "slots": self._slots})
            try:
                return await process.wait()
            finally:
                await _end(process)
        finally:
            self.pid = None
            os.close(lifeline)
            os.close(held)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # it keeps nothing that would have to be put in order
        await process.wait()
