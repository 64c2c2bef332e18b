"""Noise removal with DeepFilterNet2: `Denoiser.load()` once per process, `denoiser.stream()` for every voice.

Knows nothing of LiveKit, asyncio, or files other than its weights. The weights are DeepFilterNet2 as published; see dfn2.NOTICE.
"""

from __future__ import annotations

from pathlib import Path

from agent.denoise.engine import MODEL, NO_LIMIT_DB, Engine, ModelError, Network, VoiceState
from agent.denoise.stream import DenoiserStream

__all__ = ["Denoiser", "DenoiserStream", "Engine", "ModelError", "VoiceState"]


class Denoiser:
    """Holds the loaded network, read-only and shared by all voices of a process. Computes on the calling thread alone."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls, path: Path | None = None) -> Denoiser:
        """Reads the network and checks its SHA-256. Raises ModelError."""
        return cls(Network(path or MODEL))

    def stream(self, *, strength_db: float = NO_LIMIT_DB, parity: bool = False) -> DenoiserStream:
        """Begins a new voice. `parity`: 60 ms of latency and equal to `df.enhance.enhance`, instead of 40 ms."""
        return DenoiserStream(self.engine(parity=parity), strength_db=strength_db)

    def engine(self, voices: int = 0, *, parity: bool = False) -> Engine:
        """Makes an engine that steps many voices together, hop by hop. `voices`: new ones to begin with; others may join and
        leave at any hop."""
        return Engine(self._network, voices, parity=parity)
