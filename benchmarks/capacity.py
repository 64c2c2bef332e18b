"""How many streams a core carries, and where its time goes: `python -m benchmarks.capacity`, nine minutes, two cores.

The audio server and a worker run on one core; the broadcasters and their listeners run on another. Streams are added until the
delay that the load adds is above 20 ms at the 95th percentile, or a listener hears a gap, or the worker stops cleaning. Three
ways in one run: jobs that only hand the sound on (the peer), in a process each and in one process, and ours.

Delay: from the microphone's frame to the listener's, by clicks in a noise, which pass unchanged at a strength of 0 dB (the work
is the same at any strength). What is added: the delay above the median of one stream alone. The machine should do nothing else.
The people are Python clients, which pace their frames badly when their core is busy: a row says so where it is. Inside our
worker the time from the SDK's delivery of a frame to its hand-over is measured, too, which they do not disturb.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil

from benchmarks.clicks import Heard, Pair
from benchmarks.product import DESK, WAYS, Product, cpu_s, product
from tests.integration.live.people import broadcasts

TOGETHER = 3  # streams whose people share a process: the SDK hands every event to all of them

MOST_ADDED_MS = 20.0
GAP_MS = 60.0  # of made-up sound in a measurement; a listener hears that
SETTLE_S = 6.0
BUSY = 0.95
TRIES = 3  # a shared machine stands still now and then, whatever the load: that is not what is asked here


# --- the people, in processes of their own ----------------------------------------------------------------------------------


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


# --- the measurement --------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """So many streams for so long."""

    streams: int
    shares: dict[str, float]  # of a core, by part
    people_share: float
    delay_ms: float  # median
    late_ms: float  # 95th percentile
    made_up_ms: float  # of the worst listener
    lost_clicks: int
    cleaned: bool
    lost_frames: int  # that the desk gave up
    handed_over_ms: float  # inside our worker, 95th percentile
    private_mb: float

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
        people_are_busy = self.people_share > BUSY
        cells = [
            way,
            str(self.streams),
            f"{sum(self.shares.values()):.0%}",
            f"{self.shares['streams'] / self.streams:.1%}",
            f"{self.shares['audio server'] / self.streams:.1%}",
            f"{self.people_share:.0%}",
            f"{self.private_mb / self.streams:.0f}",
            str(self.lost_frames) if way == DESK else "",
            f"{self.handed_over_ms:.1f}" if way == DESK else "",
            f"{self.delay_ms:.0f}",
            f"{self.delay_ms - alone.delay_ms:+.0f}",
            f"{self.late_ms - alone.delay_ms:+.0f}",
            f"{self.made_up_ms:.0f}",
            (self.failure(alone) or "good") + (", but the people's core is full" if people_are_busy else ""),
        ]
        return "| " + " | ".join(cells) + " |"


HEAD = (
    "| way | streams | core in all | a stream | audio server, a stream | people | private MB a stream | frames lost "
    "| inside our worker p95 ms | delay p50 ms | added p50 | added p95 | made-up sound ms | |\n" + "|---" * 14 + "|"
)


def measure(running: Product, everybody: People, streams: int, seconds: float) -> Step:
    time.sleep(SETTLE_S)
    everybody.measure_from_now()
    before, people_before, lost, began = running.cpu_s(), everybody.cpu_s(), running.worker.lost_frames, time.monotonic()
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
        lost_frames=running.worker.lost_frames - lost,
        handed_over_ms=running.worker.handed_over_ms,
        private_mb=running.private_mb(),
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
                    break
                if step.failure(alone):
                    break
                best = count
        finally:
            everybody.close()
    return best


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=int, default=cores[-1], help="for the product")
    parser.add_argument("--people-cores", nargs="+", type=int, default=cores[:1], help="for the broadcasters and listeners")
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument("--first", type=int, default=4, help="streams after the measurement of one alone")
    parser.add_argument("--most", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=12, help="of each measurement")
    arguments = parser.parse_args()
    if arguments.core in arguments.people_cores:
        parser.error("two cores are needed")
    print(HEAD, flush=True)
    results = {
        way: climb(way, arguments.core, set(arguments.people_cores), arguments.first, arguments.most, arguments.seconds)
        for way in arguments.ways
    }
    print("\nStreams a core carries: " + ", ".join(f"{way} {best}" for way, best in results.items()))


if __name__ == "__main__":
    main()
