"""The noise remover as a whole: its crew of workers, its health page, and the repair of recordings. `./stillair agent worker`."""

from __future__ import annotations

import asyncio
import logging
import signal

from agent.config import AgentConfig
from agent.live.capacity import capacity_of
from agent.live.crew import Crew, crew
from agent.live.health_page import Health, health_page
from agent.recording.repair import keep_repaired

logger = logging.getLogger(__name__)


async def run(config: AgentConfig) -> None:
    """Works until SIGTERM or SIGINT. Raises agent.denoise.ModelError, and OSError when the health page's port is taken."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    capacity = config.capacity or capacity_of(config.data)
    repairs = asyncio.create_task(keep_repaired(config.recordings), name="repair recordings")
    try:
        async with crew(config, capacity) as workers, health_page(config.health_port, lambda: health_of(workers, capacity)):
            await stop.wait()
            logger.info("Stopping")
    finally:
        repairs.cancel()
        await asyncio.wait({repairs})


def health_of(workers: Crew, capacity: int) -> Health:
    reports = workers.reports
    return Health(
        is_registered=any(report.is_registered for report in reports),
        capacity=capacity,
        streams=sum(report.streams for report in reports),
        workers=reports,
        wanted_workers=len(workers.members),
    )
