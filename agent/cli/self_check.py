"""Finds out whether this machine can remove noise: `./stillair agent check`, whose findings `./stillair doctor` shows, too."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import onnxruntime

from agent.config import CAPACITY
from agent.denoise import ModelError
from agent.denoise.engine import MODEL_SHA256
from agent.live.capacity import Bench, kept, measure
from contract.settings import DATA, ConfigError

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
    model = Finding("model", True, f"DeepFilterNet2, SHA-256 {MODEL_SHA256[:16]}...")
    return [*findings, model, _speed(bench), _capacity(bench)]


def _speed(bench: Bench) -> Finding:
    words = f"{bench.hop_ms:.2f} ms of every 10 ms, {bench.streams_per_core:.1f} streams a core"
    if bench.cold_hop_ms < SLOWEST_HOP_MS:
        return Finding("speed", True, words)
    return Finding("speed", False, f"{words}: too slow for live sound. Use a faster machine.")


def _capacity(bench: Bench) -> Finding:
    """What the worker goes by: the setting, else what was measured before, and it measures when there is nothing yet."""
    try:
        setting = CAPACITY.read_optional()
    except ConfigError as error:
        return Finding("capacity", False, str(error))
    recommended = (kept(DATA.read()) or bench).recommended_capacity
    if setting is None:
        return Finding("capacity", True, f"{recommended} streams at once, as measured")
    too_many = f", but {recommended} is what was measured: set it to that, or leave it out" if setting > recommended else ""
    return Finding("capacity", not too_many, f"{setting} streams at once by STILLAIR_CAPACITY{too_many}")
