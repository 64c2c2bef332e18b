"""Threads for which requests wait without holding one: not more than so many, and not longer than so long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from webapp.front.limits import Limits

P = ParamSpec("P")
T = TypeVar("T")


class TooBusy(Exception):
    """There are too many requests, of everybody or of one address."""


class Threads:
    def __init__(self, count: int, name: str, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(count, name)
        self._free = asyncio.Semaphore(count)
        self._waiting = 0

    async def run(self, work: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        """Return what `work` does. Raises TooBusy."""
        await self._wait()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._limits.queue:
            raise TooBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.queue_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise TooBusy from error
        finally:
            self._waiting -= 1
