"""Measures how many streams a machine can clean: times hops of the noise remover as a worker's desk runs them, and adds what else
a stream costs. The result is kept in the data folder, so that later starts do not wait for it."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from agent.denoise import Denoiser, Engine
from agent.denoise.engine import MODEL_SHA256
from agent.voice.frames import FRAME, FRAME_S, Float32

logger = logging.getLogger(__name__)

REST_OF_A_STREAM = 2.0
"""What a stream costs beside the noise removal (its rooms, frames, recorder, and its share of the audio server), in hops of one
voice with warm caches: where such a hop took 0.40 ms, the rest took 0.75 to 0.80 ms of every 10 ms (benchmarks/capacity.py)."""
HEADROOM = 0.7
"""Share of the machine that streams may take; the web app and the bursts of everything need the rest."""
FILE = "capacity.json"
METHOD = 2
"""To be raised with every change of what is measured or of what a stream costs: what was kept before is measured again."""

_BATCH = 16
_ROUNDS = 30
_TYPICAL = 20
"""Percentile that counts; the median would include what other programs do meanwhile."""
_CACHE_BYTES = 64 << 20
"""More than the last-level cache share of a core: the weights are gone from it when the next hop comes."""


@dataclass(frozen=True)
class Bench:
    """Holds what was measured."""

    cores: int
    hop_ms: float  # 10 ms of one voice, caches warm
    cold_hop_ms: float  # the same with the caches full of something else
    cold_batch_ms: float  # 10 ms of sixteen voices together, caches as before
    streams_per_core: float
    recommended_capacity: int

    def words(self) -> str:
        return (
            f"Noise removal takes {self.hop_ms:.2f} ms of 10 ms for one stream, with cold caches {self.cold_hop_ms:.2f} ms, "
            f"and {self.cold_batch_ms:.2f} ms for {_BATCH} together.\n"
            f"A core carries {self.streams_per_core:.1f} streams; recommended for {self.cores} cores: "
            f"STILLAIR_CAPACITY={self.recommended_capacity}"
        )


def measure() -> Bench:
    """Measures for two seconds, on one core. Raises agent.denoise.ModelError."""
    hop_s, cold_hop_s, cold_batch_s = _hops_s()
    cores = len(os.sched_getaffinity(0))
    each_s = (cold_batch_s - cold_hop_s) / (_BATCH - 1)
    first_s = cold_hop_s - each_s  # of a batch, whatever its size
    rest_s = REST_OF_A_STREAM * hop_s
    # A worker on each core has a batch of its own.
    by_core = (HEADROOM * FRAME_S - first_s) / (each_s + rest_s)
    return Bench(
        cores=cores,
        hop_ms=1e3 * hop_s,
        cold_hop_ms=1e3 * cold_hop_s,
        cold_batch_ms=1e3 * cold_batch_s,
        streams_per_core=max(0.0, (FRAME_S - first_s) / (each_s + rest_s)),
        recommended_capacity=max(1, int(cores * by_core)),
    )


def _hops_s() -> tuple[float, float, float]:
    """Measures the processor time (s) of a hop with warm caches, of one with cold caches, and of a cold one of a whole batch."""
    denoiser = Denoiser.load()
    one, many = denoiser.engine(1), denoiser.engine(_BATCH)
    rubbish = np.zeros(_CACHE_BYTES, np.uint8)
    noise = np.random.default_rng(0).standard_normal((_BATCH, FRAME)).astype(np.float32) * np.float32(0.05)
    durations: tuple[list[float], list[float], list[float]] = ([], [], [])
    for _ in range(_ROUNDS):  # interleaved, so that whatever else runs on the machine affects all of them
        for engine, kept_s in ((one, durations[1]), (many, durations[2])):
            rubbish += 1
            kept_s.append(_hop_s(engine, noise))
        _hop_s(one, noise)
        durations[0].extend(_hop_s(one, noise) for _ in range(5))
    warm_s, cold_s, batch_s = (float(np.percentile(kept_s, _TYPICAL)) for kept_s in durations)
    return warm_s, cold_s, batch_s


def _hop_s(engine: Engine, noise: Float32) -> float:
    began = time.thread_time()
    engine.step(noise[: engine.voices])
    return time.thread_time() - began


# --- kept in the data folder


def capacity_of(data: Path) -> int:
    """Returns how many streams this machine can carry; measures it when that is not known. Raises ModelError."""
    bench = kept(data)
    if bench is None:
        logger.info("Measuring how many streams this machine can clean")
        bench = measure()
        keep(data, bench)
        logger.info("This machine was measured", extra={"capacity": bench.recommended_capacity, "hop_ms": round(bench.hop_ms, 2)})
    return bench.recommended_capacity


def kept(data: Path) -> Bench | None:
    """Reads what was measured. Returns None when nothing was, or on another machine, or with another model."""
    try:
        found = json.loads((data / FILE).read_text(encoding="utf-8"))
        return Bench(**found["bench"]) if found["measured_on"] == _this_machine() else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(data: Path, bench: Bench) -> None:
    """Saves what was measured. A failure is only logged: the next start measures again."""
    content = json.dumps({"measured_on": _this_machine(), "bench": asdict(bench)}, indent=1)
    part = data / f".{FILE}.part"
    try:
        data.mkdir(parents=True, exist_ok=True)
        part.write_text(content, encoding="utf-8")
        part.replace(data / FILE)
    except OSError as error:
        logger.warning("What was measured could not be kept", extra={"error": str(error)})


def _this_machine() -> dict[str, str | int]:
    return {
        "method": METHOD,
        "model": MODEL_SHA256,
        "onnxruntime": onnxruntime.__version__,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
    }


def _processor() -> str:
    """Returns name and features of the processor: on some rented machines every processor has the same name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0].splitlines()
    except OSError:
        return platform.processor()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    wanted = ("vendor_id", "cpu family", "model", "model name", "cache size")
    found = [value.strip() for name, value in fields.items() if name.strip() in wanted]
    return ", ".join(found) or platform.processor() or platform.machine()
