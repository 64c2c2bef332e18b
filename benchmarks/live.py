"""What a listener waits for, and what a stream costs: `python -m benchmarks.live`, five minutes, on a machine at rest.

Two legs in one run, each with the whole path from a microphone to an ear:
- browsers: a whole Stillair as `./stillair up` starts it, two Chromium pages, speech and noise, full noise removal. Mouth to
  ear is the lag at which what the microphone's track carries and what the listener's audio element gets correlate best.
- clients: the audio server and the worker alone, Python clients in both rooms, clicks at a strength of 0 dB (the work is the
  same); and, as the peer, the same two clients in one room without a noise remover between them.
Cost is measured with one stream on air: CPU as a share of one core, and private memory (USS).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from playwright.sync_api import expect, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.clicks import ClickedListener, ClickingSpeaker, Pair
from tests.e2e import sounds
from tests.e2e.chromium import Chromium
from tests.e2e.people import Person
from tests.instance import started
from tests.integration.live.people import Broadcast, broadcasts, tokens, until
from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess

RATE = 48_000
TAP = Path(__file__).with_name("live_tap.js").read_text()
MAX_DELAY_S = 1.0
TARGETS = {
    "Start to first clean sound, p95": 1500,
    "mouth to ear, p50": 160,
    "a job, CPU": 18,
    "a job, private memory": 100,
}
Times = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    leg: str
    name: str
    value: float
    unit: str

    @property
    def target(self) -> float | None:
        return TARGETS.get(self.name)


def percentiles(leg: str, name: str, values: list[float]) -> list[Figure]:
    """Of milliseconds."""
    return [Figure(leg, f"{name}, p{share}", float(np.percentile(values, share)), "ms") for share in (50, 95)]


# --- cost ---------------------------------------------------------------------------------------------------------------------


def cost(leg: str, processes: dict[str, psutil.Process], seconds: float) -> list[Figure]:
    """Of each process, over this time."""
    before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    figures = []
    for name, process in processes.items():
        used = sum(process.cpu_times()[:2]) - before[name]
        figures.append(Figure(leg, f"{name}, CPU", 100 * used / took, "% of a core"))
        figures.append(Figure(leg, f"{name}, private memory", process.memory_full_info().uss / 2**20, "MB"))
    return figures


def of_worker(worker: psutil.Process, log: str) -> dict[str, psutil.Process]:
    """The worker with the newest broadcast, and who watches over it."""
    busy = psutil.Process(int(re.findall(r"The broadcast runs.*?\bpid=(\d+)", log)[-1]))
    return {"a worker": busy, "crew": worker}


# --- browsers -----------------------------------------------------------------------------------------------------------------


def browsers(starts: int, seconds: float, console: Console) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        console.print("starting a whole Stillair")
        instance = stack.enter_context(started(folder / "data"))
        microphone = sounds.write_wav(folder / "microphone.wav", speech_without_pauses())
        playwright = stack.enter_context(sync_playwright())
        launched = Chromium(playwright, microphone).launch("--autoplay-policy=no-user-gesture-required")
        browser = stack.enter_context(launched)
        alice, bob = (stack.enter_context(somebody(browser, instance.url, name)) for name in ("alice", "bob"))
        alice.befriend(bob)
        waits = []
        for number in range(starts):
            console.print(f"start {number + 1} of {starts}")
            waits.append(start_to_sound(alice, bob))
            if number + 1 < starts:
                alice.stop()
        processes = of_worker(psutil.Process(instance.pid("noise-remover")), instance.log("noise-remover"))
        processes["audio server"] = psutil.Process(instance.pid("audio-server"))
        console.print(f"on air for {seconds:.0f} s")
        mark = time.time() * 1000
        figures = cost("browsers", processes, seconds)
        delays = mouth_to_ear(alice, bob, mark)
        return [
            *percentiles("browsers", "Start to first clean sound", waits),
            *percentiles("browsers", "mouth to ear", delays),
            *figures,
        ]


def speech_without_pauses() -> Times:
    """Noisy speech, but for what is quiet: there is something to hear from the first moment on."""
    sound = sounds.noisy_speech()
    blocks = sound[: len(sound) // 4800 * 4800].reshape(-1, 4800)
    return np.concatenate([block for block in blocks if np.std(block) > 0.02])


@contextlib.contextmanager
def somebody(browser: Any, url: str, name: str) -> Iterator[Person]:
    person = Person.arrive(browser, url, name)
    person.context.add_init_script(TAP)
    person.register()
    yield person
    person.leave()


def start_to_sound(alice: Person, bob: Person) -> float:
    """Milliseconds from the press to the first sound that the friend's page plays; the page is open already."""
    bob.open(f"/listen/{alice.username}")
    alice.open("/live")
    button = alice.page.get_by_role("button", name="Start Streaming")
    expect(button).to_be_enabled()
    bob.page.wait_for_function("() => !taps.ear || taps.ear.silentFor() > 500", timeout=20_000)
    began = time.time() * 1000
    button.click()
    bob.page.wait_for_function("began => taps.ear && taps.ear.firstLoudAfter(began)", arg=began, timeout=30_000, polling=20)
    return float(bob.page.evaluate("began => taps.ear.firstLoudAfter(began)", began)) - began


def mouth_to_ear(alice: Person, bob: Person, since: float) -> list[float]:
    """Milliseconds, one for each second of speech since then."""
    mouth_at, mouth = recorded(alice, "mouth", since)
    ear_at, ear = recorded(bob, "ear", since)
    delays = []
    for start in range(0, len(mouth) - 2 * RATE, RATE):
        said = mouth[start : start + RATE]
        first = round((mouth_at - ear_at) / 1000 * RATE) + start
        if first < 0 or first + round((1 + MAX_DELAY_S) * RATE) > len(ear) or np.std(said) < 0.02:
            continue
        heard = ear[first : first + round((1 + MAX_DELAY_S) * RATE)]
        delays.append(lag(said, heard) / RATE * 1000)
    return delays


def recorded(person: Person, which: str, since: float) -> tuple[float, Times]:
    """-> (milliseconds since 1970 of the first sample, samples)."""
    answer = person.page.evaluate("([which, since]) => taps[which].take(since)", [which, since])
    return answer["at"], sounds.of_text(answer["samples"])


def lag(said: Times, heard: Times) -> int:
    """Samples by which the first is found later in the second."""
    size = 2 ** int(np.ceil(np.log2(len(said) + len(heard))))
    together = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    return int(np.argmax(together[: len(heard) - len(said)]))


# --- clients ------------------------------------------------------------------------------------------------------------------


def clients(starts: int, seconds: float, console: Console) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        audio_server = LivekitProcess(Path(folder))
        worker = WorkerProcess(audio_server.url, Path(folder))
        audio_server.start()
        try:
            console.print("starting the audio server and a worker")
            worker.start()
            return asyncio.run(_clients(audio_server, worker, starts, seconds, console))
        finally:
            worker.stop_if_running()
            audio_server.kill()


async def _clients(
    audio_server: LivekitProcess,
    worker: WorkerProcess,
    starts: int,
    seconds: float,
    console: Console,
) -> list[Figure]:
    async with broadcasts(audio_server.url) as new_broadcast:
        waits = []
        for number in range(starts):
            console.print(f"start {number + 1} of {starts}")
            waits.append(await client_start(new_broadcast()))
        console.print(f"without a noise remover for {seconds:.0f} s")
        direct = await direct_delays(new_broadcast(), seconds)
        console.print(f"on air for {seconds:.0f} s")
        pair = Pair(new_broadcast())
        await pair.begin()
        await asyncio.sleep(5)
        await pair.measure_from_now()
        processes = of_worker(psutil.Process(worker.pid), worker.log.read_text())
        processes["audio server"] = next(child for child in psutil.Process().children() if "--config" in child.cmdline())
        figures = await asyncio.to_thread(cost, "clients", processes, seconds)
        heard = await pair.heard()
        await pair.end()
    return [
        *percentiles("clients", "Start to first clean sound", waits),
        *percentiles("clients", "mouth to ear", heard.delays_ms),
        *percentiles("clients", "mouth to ear without noise remover (peer)", direct),
        *figures,
    ]


async def client_start(broadcast: Broadcast) -> float:
    """Milliseconds from the wish to be on air to the listener's first sound."""
    began = time.monotonic()
    await broadcast.open(strength_db=0)
    speaker, listener = ClickingSpeaker(), await broadcast.listener()
    await speaker.join(broadcast.url, tokens.studio(broadcast.studio))
    await speaker.click()
    await until(lambda: listener.loud_since(began), 20)
    first = min(heard.loud_from() for heard in listener.tracks)
    await broadcast.end()
    await speaker.leave()
    return (first - began) * 1e3


async def direct_delays(broadcast: Broadcast, seconds: float) -> list[float]:
    await broadcast.make_rooms()
    pair = Pair(broadcast)
    pair.listener = ClickedListener()
    await pair.speaker.join(broadcast.url, tokens.studio(broadcast.studio))
    await pair.listener.join(broadcast.url, tokens.stage(broadcast.studio, "bob"))
    await pair.speaker.click()
    await asyncio.sleep(3)
    await pair.measure_from_now()
    await asyncio.sleep(seconds)
    heard = await pair.heard()
    await pair.end()
    return heard.delays_ms


# --- the table ----------------------------------------------------------------------------------------------------------------

LEGS = {"browsers": browsers, "clients": clients}


def show(figures: list[Figure], console: Console) -> None:
    table = Table("leg", "figure", "measured", "target")
    for figure in figures:
        target = f"{figure.target:g} {figure.unit}" if figure.target else ""
        table.add_row(figure.leg, figure.name, f"{figure.value:.1f} {figure.unit}", target)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leg", choices=sorted(LEGS), action="append", help="default: both")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement on air")
    parser.add_argument("--json", action="store_true", help="for scripts")
    options = parser.parse_args()
    progress = Console(stderr=True)
    figures = [figure for leg in options.leg or sorted(LEGS) for figure in LEGS[leg](options.starts, options.seconds, progress)]
    if options.json:
        print(json.dumps([asdict(figure) | {"target": figure.target} for figure in figures], indent=1))
    else:
        show(figures, Console())


if __name__ == "__main__":
    main()
