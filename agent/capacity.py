"""How many streams a machine can clean: one hop of the noise remover timed as a job runs it, and what else a stream costs."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass

import numpy as np

from agent.denoise import Denoiser
from agent.frames import FRAME, FRAME_S

JOB_SHARE = 0.075
"""Of a core: everything in a job but the noise removal (benchmarks/live.py; a pass-through job)."""
AUDIO_SERVER_SHARE = 0.02
"""Of a core, for a stream with a few listeners."""
HEADROOM = 0.7
"""Share of the machine that streams may take; the web app and the bursts of everything need the rest."""

_HOPS = 400
_CACHE_BYTES = 64 << 20
"""More than the last-level cache share of a core: a job's weights are gone from it when its next hop comes."""


@dataclass(frozen=True)
class Bench:
    cores: int
    hop_ms: float                   # 10 ms of one voice, caches warm
    cold_hop_ms: float              # the same with the caches full of something else, as it is with many jobs
    streams_per_core: float
    recommended_capacity: int

    def words(self) -> str:
        return (
            f"Noise removal takes {self.hop_ms:.2f} ms of every 10 ms ({self.cold_hop_ms:.2f} ms with cold caches).\n"
            f"A core carries {self.streams_per_core:.1f} streams; recommended for {self.cores} cores: "
            f"STILLAIR_CAPACITY={self.recommended_capacity}"
        )


def measure() -> Bench:
    """Takes some seconds on one core. Raises agent.denoise.ModelError."""
    stream = Denoiser.load().stream()
    noise = np.random.default_rng(0).standard_normal((_HOPS, FRAME)).astype(np.float32) * np.float32(0.05)
    rubbish = np.zeros(_CACHE_BYTES, np.uint8)
    warm: list[float] = []
    cold: list[float] = []
    for number, hop in enumerate(noise):
        emptied = number % 8 == 0
        if emptied:
            rubbish += 1
        started = time.perf_counter()
        stream.feed(hop)
        (cold if emptied else warm).append(time.perf_counter() - started)
    cores = len(os.sched_getaffinity(0))
    cold_s = statistics.median(cold)
    per_core = 1 / (cold_s / FRAME_S + JOB_SHARE + AUDIO_SERVER_SHARE)
    return Bench(
        cores=cores,
        hop_ms=statistics.median(warm) * 1e3,
        cold_hop_ms=cold_s * 1e3,
        streams_per_core=per_core,
        recommended_capacity=max(1, int(HEADROOM * cores * per_core)),
    )
