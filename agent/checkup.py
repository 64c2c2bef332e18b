"""Can this machine remove noise at all? The findings of `python -m agent check`, which `./stillair doctor` shows too."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import onnxruntime

from agent.capacity import measure
from agent.denoise import ModelError
from agent.denoise.engine import MODEL_SHA256

SLOWEST_HOP_MS = 5.0
"""Half of the time there is: above it one stream would stutter whenever anything else runs."""


@dataclass(frozen=True)
class Finding:
    what: str
    ok: bool
    words: str


def checkup() -> list[Finding]:
    findings = [Finding("versions", True, f"Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}")]
    try:
        bench = measure()
    except ModelError as error:
        return [*findings, Finding("model", False, str(error))]
    fast = bench.cold_hop_ms < SLOWEST_HOP_MS
    speed = f"{bench.hop_ms:.2f} ms of every 10 ms, {bench.streams_per_core:.1f} streams a core"
    too_slow = f"{speed}: too slow for live sound. Use a faster machine."
    return [
        *findings,
        Finding("model", True, f"DeepFilterNet2, SHA-256 {MODEL_SHA256[:16]}..."),
        Finding("speed", fast, speed if fast else too_slow),
    ]
