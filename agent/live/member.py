"""What a worker's process runs, after it was forked from one that has imported agent.live.preload."""

from __future__ import annotations

import asyncio
import signal
from multiprocessing.connection import Connection


def main(capacity: int, pipe: Connection) -> None:
    """Called in a new process. `pipe`: to report to the crew."""
    from agent import log
    from agent.config import AgentConfig
    from agent.live import preload, worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # may reach the whole group; the crew ends its workers by SIGTERM
    log.configure()
    asyncio.run(worker.run(AgentConfig.from_environment(), preload.denoiser, capacity, pipe.fileno()))
