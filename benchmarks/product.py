"""Stillair's audio server and noise remover on one core, and what each of their processes takes of it."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess

PRODUCT = (
    "import asyncio, sys; from agent import log; from agent.config import AgentConfig; from agent.live import worker; "
    "log.configure(); "
    "asyncio.run(worker.run(AgentConfig.from_environment(), shared=sys.argv[1] == 'shared'))"
)
WORKERS = {"pass-through": ["-m", "benchmarks.pass_through"], "own": ["-c", PRODUCT, "own"], "shared": ["-c", PRODUCT, "shared"]}


class Worker(WorkerProcess):
    """As `./stillair up` starts it, but for the choice of who denoises."""

    def __init__(self, url: str, folder: Path, way: str) -> None:
        super().__init__(url, folder, STILLAIR_CAPACITY="40")
        self._way = way

    def spawn(self) -> subprocess.Popen[bytes]:
        self.recordings.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *WORKERS[self._way]],
                cwd=self._program,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self._process

    def parts(self) -> dict[str, list[psutil.Process]]:
        """The processes by what they do."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        parts: dict[str, list[psutil.Process]] = {"worker": [main], "denoising": [], "jobs": []}
        for child in main.children():
            if "agent.denoise_service.server" in child.cmdline():
                parts["denoising"].append(child)
            else:
                parts["worker"].append(child)
                parts["jobs"] += child.children()
        return parts


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
        parts = {"audio server": [self.audio_server], **self.worker.parts()}
        return {part: sum(map(cpu_s, processes)) for part, processes in parts.items()}

    def private_mb(self) -> dict[str, float]:
        """Of one job that has a stream, and of the denoising process."""
        parts = self.worker.parts()
        jobs = sorted(process.memory_full_info().uss for process in parts["jobs"])
        return {
            "a job": jobs[len(jobs) // 2] / 1e6,
            "denoising": sum(process.memory_full_info().uss for process in parts["denoising"]) / 1e6,
        }

    def missed_hops(self) -> int:
        """Hops that jobs had to make themselves, read out of the memory of the denoising process."""
        from agent.denoise import Denoiser
        from agent.denoise_service.shared_memory import slot_record

        missed = 0
        for process in self.worker.parts()["denoising"]:
            for file in Path(f"/proc/{process.pid}/fd").iterdir():
                if "stillair-denoise" in os.readlink(file):
                    record = slot_record(Denoiser.load().engine(1).voice(0))
                    with file.open("rb") as memory:
                        for slot in range(os.fstat(memory.fileno()).st_size // record.itemsize):
                            [value] = struct.unpack("=q", os.pread(memory.fileno(), 8, slot * record.itemsize + 16))
                            missed += value
                    return missed
        return missed


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
