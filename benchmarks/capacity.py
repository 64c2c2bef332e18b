"""How many streams a core carries, and where its time goes: `python -m benchmarks.capacity`, nine minutes, two cores.

The audio server, the worker with its jobs and the denoising process run on one core; the broadcasters and their listeners run on
another. Streams are added until the delay that the load adds is above 20 ms at the 95th percentile, or a listener hears a gap, or
the worker stops cleaning. Three ways in one run: jobs that only hand the sound on (the peer), an engine in each job, and one
denoising process for all jobs.

Delay: from the microphone's frame to the listener's, by clicks in a noise, which pass unchanged at a strength of 0 dB (the work
is the same at any strength). What is added: the delay above the median of one stream alone. The machine should do nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from livekit import rtc

from agent.config import prepare_forking
from contract import SAMPLE_RATE
from tests.integration.live.people import Broadcast, Listener, Speaker, broadcasts
from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess

FRAME = SAMPLE_RATE // 100
FRAME_S = 0.01
CLICK_FRAMES = 50               # a click every half second
CLICK_LEVEL = 20_000
HEARD_LEVEL = 8_000
TOGETHER = 3                    # streams whose people share a process: the SDK hands every event to all of them

MOST_ADDED_MS = 20.0
GAP_MS = 60.0                   # of made-up sound in a measurement; a listener hears that
SETTLE_S = 6.0
BUSY = 0.95
TRIES = 3                       # a shared machine stands still now and then, whatever the load: that is not what is asked here

PRODUCT = "import asyncio, sys; from agent import log, worker; from agent.config import AgentConfig; log.configure(); " \
          "asyncio.run(worker.run(AgentConfig.from_environment(), shared=sys.argv[1] == 'shared'))"
WORKERS = {"pass-through": ["-m", "benchmarks.pass_through"], "own": ["-c", PRODUCT, "own"], "shared": ["-c", PRODUCT, "shared"]}


# --- the people, in processes of their own ----------------------------------------------------------------------------------


class ClickingSpeaker(Speaker):
    """Sends a quiet noise with clicks in it, and remembers when."""

    def __init__(self) -> None:
        super().__init__()
        self.clicked_at: list[float] = []

    async def click(self) -> None:
        source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=True)
        await self.room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("microphone", source), options)
        self.tasks.add(asyncio.create_task(self._send(source)))

    async def _send(self, source: rtc.AudioSource) -> None:
        noise = (np.random.default_rng(0).standard_normal((100, FRAME)) * 300).astype(np.int16)
        click = (np.sin(2 * np.pi * 1_000 * np.arange(FRAME) / SAMPLE_RATE) * CLICK_LEVEL).astype(np.int16)
        frames = [rtc.AudioFrame(bytearray(sound.tobytes()), SAMPLE_RATE, 1, FRAME) for sound in (*noise, click)]
        began, number = time.monotonic(), 0
        while True:
            clicks = number % CLICK_FRAMES == 0
            if clicks:
                self.clicked_at.append(time.monotonic())
            await source.capture_frame(frames[-1] if clicks else frames[number % len(noise)])
            number += 1
            await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))


class ClickedListener(Listener):
    """Notes when it hears a click, and keeps nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.heard_at: list[float] = []
        self.track: Any = None

    def _subscribed(self, track: Any, _publication: Any, _participant: Any) -> None:
        self.track = track
        self.tasks.add(asyncio.create_task(self._notice(track)))

    async def _notice(self, track: Any) -> None:
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                now = time.monotonic()
                if samples.max() > HEARD_LEVEL and (not self.heard_at or now - self.heard_at[-1] > 0.1):
                    at = int(np.argmax(samples > HEARD_LEVEL))
                    self.heard_at.append(now - (len(samples) - at) / SAMPLE_RATE)
        finally:
            await stream.aclose()

    async def made_up_samples(self) -> int:
        """Samples that the listener's end had to invent so far, because none were there."""
        for stat in await self.track.get_stats() if self.track else []:
            if stat.WhichOneof("stats") == "inbound_rtp":
                return int(stat.inbound_rtp.inbound.concealed_samples)
        return 0


@dataclass
class Heard:
    """One stream over one measurement."""

    delays_ms: list[float]
    lost_clicks: int
    made_up_ms: float
    cleaned: bool


class Pair:
    """The broadcaster and a listener of one stream."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast
        self.speaker = ClickingSpeaker()
        self.listener = ClickedListener()
        self._made_up = 0
        self._from = 0.0

    async def begin(self) -> None:
        from tests.integration.live.people import OWNER, tokens

        await self.broadcast.open(live=True, strength_db=0.0)
        await self.speaker.join(self.broadcast.url, tokens.studio(self.broadcast.studio, OWNER, OWNER))
        await self.speaker.click()
        await self.listener.join(self.broadcast.url, tokens.stage(self.broadcast.metadata.stage, "bob", "Bob"))

    async def measure_from_now(self) -> None:
        self._from = time.monotonic()
        self._made_up = await self.listener.made_up_samples()

    async def heard(self) -> Heard:
        made_up = await self.listener.made_up_samples() - self._made_up
        until = time.monotonic() - 1.5                       # what is on its way now is not lost
        clicks = [at for at in self.speaker.clicked_at if self._from < at < until]
        delays = [_first_after(at, self.listener.heard_at) for at in clicks]
        return Heard(
            delays_ms=[delay * 1e3 for delay in delays if delay is not None],
            lost_clicks=sum(delay is None for delay in delays),
            made_up_ms=made_up / SAMPLE_RATE * 1e3,
            cleaned=self.speaker.agent().get("state") == "cleaning",
        )

    async def end(self) -> None:
        await self.speaker.leave()
        await self.listener.leave()


def _first_after(at: float, times: list[float]) -> float | None:
    """Seconds to the first of `times` after `at`, None when that is nearly the next click already."""
    return next((time - at for time in times if 0 < time - at < 0.9 * CLICK_FRAMES * FRAME_S), None)


def people(url: str, cores: set[int], orders: Connection) -> None:
    """A process of people: does what is asked for through the pipe."""
    os.sched_setaffinity(0, cores)
    asyncio.run(_people(url, orders))


async def _people(url: str, orders: Connection) -> None:
    pairs: list[Pair] = []
    async with broadcasts(url) as new_broadcast:
        while True:
            order = await asyncio.to_thread(orders.recv)
            if order == "add":
                pairs.append(Pair(new_broadcast()))
                await pairs[-1].begin()
                orders.send(None)
            elif order == "measure":
                for pair in pairs:
                    await pair.measure_from_now()
                orders.send(None)
            elif order == "heard":
                orders.send([await pair.heard() for pair in pairs])
            else:
                for pair in pairs:
                    await pair.end()
                break
    orders.send(None)


class People:
    """All broadcasters and listeners."""

    def __init__(self, url: str, cores: set[int]) -> None:
        self._url, self._cores = url, cores
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._count = 0

    def add(self) -> None:
        if self._count % TOGETHER == 0:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=people, args=(self._url, self._cores, theirs), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        self._count += 1
        self._ask(self._pipes[-1], "add")

    def measure_from_now(self) -> None:
        for pipe in self._pipes:
            self._ask(pipe, "measure")

    def heard(self) -> list[Heard]:
        return [heard for pipe in self._pipes for heard in self._ask(pipe, "heard")]

    @staticmethod
    def _ask(pipe: Connection, order: str) -> Any:
        pipe.send(order)
        if not pipe.poll(60):
            raise RuntimeError(f"the people do not answer ({order})")
        return pipe.recv()

    def cpu_s(self) -> float:
        return sum(cpu_s(psutil.Process(process.pid)) for process in self._processes)

    def close(self) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError, EOFError, RuntimeError):
                self._ask(pipe, "end")
        for process in self._processes:
            process.kill()
            process.join()


# --- the product, on its core -----------------------------------------------------------------------------------------------


class Worker(WorkerProcess):
    """As `./stillair up` starts it, but for the choice of who denoises."""

    def __init__(self, url: str, folder: Path, way: str) -> None:
        super().__init__(url, folder, STILLAIR_CAPACITY="40")
        self._way = way

    def spawn(self) -> subprocess.Popen[bytes]:
        self.recordings.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *WORKERS[self._way]], cwd=self._program, env=self._environment, stdout=log, stderr=log,
            )
        return self._process

    def parts(self) -> dict[str, list[psutil.Process]]:
        """The processes by what they do."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        parts: dict[str, list[psutil.Process]] = {"worker": [main], "denoising": [], "jobs": []}
        for child in main.children():
            if "agent.denoise_server" in child.cmdline():
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
        from agent.denoise_slots import slot_record

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
        os.sched_setaffinity(0, {core})                 # what is started now inherits it
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


# --- the measurement --------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """So many streams for so long."""

    streams: int
    shares: dict[str, float]        # of a core, by part
    people_share: float
    delay_ms: float                 # median
    late_ms: float                  # 95th percentile
    made_up_ms: float               # of the worst listener
    lost_clicks: int
    cleaned: bool
    missed_share: float             # of hops, that jobs made themselves
    memory_mb: dict[str, float] = field(default_factory=dict)

    def failure(self, alone: Step | None) -> str:
        base = alone.delay_ms if alone else self.delay_ms
        if not self.cleaned:
            return "the worker stopped cleaning"
        if self.late_ms - base > MOST_ADDED_MS:
            return f"{self.late_ms - base:.0f} ms added"
        if self.made_up_ms > GAP_MS or self.lost_clicks:
            return "a gap was heard"
        return ""

    def row(self, way: str, alone: Step) -> str:
        a_job = self.shares["jobs"] / self.streams
        whole = sum(self.shares.values())
        cells = [
            way, str(self.streams), f"{whole:.0%}", f"{a_job:.1%}", f"{self.shares['audio server']:.1%}",
            f"{self.shares['denoising']:.1%}" if self.shares["denoising"] else "", f"{self.shares['worker']:.1%}",
            f"{self.missed_share:.2%}" if self.shares["denoising"] else "",
            f"{self.delay_ms:.0f}", f"{self.delay_ms - alone.delay_ms:+.0f}", f"{self.late_ms - alone.delay_ms:+.0f}",
            f"{self.made_up_ms:.0f}", self.failure(alone) or "good",
        ]
        return "| " + " | ".join(cells) + " |"


HEAD = (
    "| denoiser | streams | core in all | a job | audio server | denoising process | worker | hops made by jobs "
    "| delay p50 ms | added p50 | added p95 | made-up sound ms | |\n" + "|---" * 13 + "|"
)


def measure(running: Product, everybody: People, streams: int, seconds: float) -> Step:
    time.sleep(SETTLE_S)
    everybody.measure_from_now()
    before, people_before, missed, began = running.cpu_s(), everybody.cpu_s(), running.missed_hops(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    after, people_after = running.cpu_s(), everybody.cpu_s()
    heard = everybody.heard()
    delays = [delay for stream in heard for delay in stream.delays_ms]
    return Step(
        streams=streams,
        shares={part: (after[part] - before[part]) / took for part in after},
        people_share=(people_after - people_before) / took,
        delay_ms=float(np.median(delays)) if delays else float("nan"),
        late_ms=float(np.percentile(delays, 95)) if delays else float("nan"),
        made_up_ms=max(stream.made_up_ms for stream in heard),
        lost_clicks=sum(stream.lost_clicks for stream in heard),
        cleaned=all(stream.cleaned for stream in heard),
        missed_share=(running.missed_hops() - missed) / (took / FRAME_S * streams),
        memory_mb=running.private_mb(),
    )


def climb(way: str, core: int, people_cores: set[int], first: int, most: int, seconds: float) -> int:
    """Prints a row for each number of streams -> the largest that went well."""
    best, alone = 0, None
    with product(core, way) as (running, url):
        everybody = People(url, people_cores)
        try:
            count = 0
            while count < most:
                for _ in range(1 if count != 1 else max(1, first - 1)):
                    everybody.add()
                    count += 1
                for _ in range(TRIES):
                    step = measure(running, everybody, count, seconds)
                    alone = alone or step
                    print(step.row(way, alone), flush=True)
                    if not step.failure(alone):
                        break
                if step.people_share > BUSY * len(people_cores):
                    print(f"The people's cores are full ({step.people_share:.0%}): what they hear says nothing.", file=sys.stderr)
                    break
                if step.failure(alone):
                    break
                best = count
            print(f"Private memory at the end: {', '.join(f'{part} {mb:.0f} MB' for part, mb in step.memory_mb.items())}; "
                  f"people {step.people_share:.0%} of a core.", file=sys.stderr)
        finally:
            everybody.close()
    return best


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=int, default=cores[-1], help="for the product")
    parser.add_argument("--people-cores", nargs="+", type=int, default=cores[:1], help="for the broadcasters and listeners")
    parser.add_argument("--ways", nargs="+", choices=[*WORKERS], default=[*WORKERS])
    parser.add_argument("--first", type=int, default=4, help="streams after the measurement of one alone")
    parser.add_argument("--most", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=12, help="of each measurement")
    arguments = parser.parse_args()
    if arguments.core in arguments.people_cores:
        parser.error("two cores are needed")
    prepare_forking()
    print(HEAD, flush=True)
    results = {
        way: climb(way, arguments.core, set(arguments.people_cores), arguments.first, arguments.most, arguments.seconds)
        for way in arguments.ways
    }
    print("\nStreams a core carries: " + ", ".join(f"{way} {best}" for way, best in results.items()))


if __name__ == "__main__":
    main()
