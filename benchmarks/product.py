"""Stillair's audio server and noise remover on one core, and what each of their processes takes of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.live.crew import ENVIRONMENT
from tests.integration.live.worker_process import START_TIMEOUT_S, WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess

DESK = "desk"
WAYS = {
    "processes": ["-m", "benchmarks.pass_through", "process"],
    "threads": ["-m", "benchmarks.pass_through", "thread"],
    DESK: ["-m", "agent", "worker"],
}
"""Jobs that only hand the sound on, in a process each or in one, and ours."""


class Worker(WorkerProcess):
    """As `./stillair up` starts it, or a peer."""

    def __init__(self, url: str, folder: Path, way: str) -> None:
        super().__init__(url, folder, STILLAIR_CAPACITY="40", STILLAIR_WORKERS="1")
        self._environment |= ENVIRONMENT
        self._way = way

    def spawn(self) -> subprocess.Popen[bytes]:
        self.recordings.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *WAYS[self._way]],
                cwd=self._program,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self._process

    def start(self) -> None:
        if self._way == DESK:
            super().start()
            return
        self.spawn()
        deadline = time.monotonic() + START_TIMEOUT_S
        while "registered worker" not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    @property
    def processes(self) -> list[psutil.Process]:
        """All that the noise remover, or the peer, consists of."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        return [main, *main.children(recursive=True)]

    @property
    def handed_over_ms(self) -> float:
        """From a frame's arrival at the worker to when it was handed over, 95th percentile."""
        return max((worker["handed_over_ms"] for worker in self.health().get("workers", [])), default=float("nan"))

    @property
    def lost_frames(self) -> int:
        return sum(worker["lost_frames"] for worker in self.health().get("workers", []))


def cpu_s(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


@dataclass
class Product:
    audio_server: psutil.Process
    worker: Worker

    def cpu_s(self) -> dict[str, float]:
        return {"audio server": cpu_s(self.audio_server), "streams": sum(map(cpu_s, self.worker.processes))}

    def private_mb(self) -> float:
        """Of all processes of the noise remover."""
        return sum(float(process.memory_full_info().uss) for process in self.worker.processes) / 1e6


@contextlib.contextmanager
def product(core: int, way: str) -> Iterator[tuple[Product, str]]:
    """-> the product and the address of its audio server."""
    before = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="stillair-capacity-") as folder:
        os.sched_setaffinity(0, {core})  # what is started now inherits it
        audio_server = LivekitProcess(Path(folder))
        worker = Worker(audio_server.url, Path(folder), way)
        try:
            audio_server.start()
            worker.start()
            os.sched_setaffinity(0, before)
            assert audio_server._process is not None
            yield Product(psutil.Process(audio_server._process.pid), worker), audio_server.url
        finally:
            os.sched_setaffinity(0, before)
            worker.stop_if_running()
            audio_server.kill()
