"""The agent's settings: the one place that reads the environment, into a frozen dataclass."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


class ConfigError(ValueError):
    """A setting is missing or unusable. The message names the variable, its value and what it should be."""


@dataclass(frozen=True)
class AgentConfig:
    url: str  # ws:// or wss:// of the audio server
    api_key: str
    api_secret: str = field(repr=False)
    recordings: Path  # folder of <stream_id>.flac and .json
    data: Path  # folder of everything that is kept
    low_water_mb: int  # recording stops while the disk has fewer MiB
    capacity: int | None  # streams this worker cleans at once; None: what the machine was measured to carry
    never_original: bool  # silence, and not the original sound, while the noise cannot be removed
    grace_s: float  # how long a broadcast outlives its broadcaster
    health_port: int  # HTTP on loopback: see agent.live.health_page

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        data = data_folder(environment)
        return cls(
            url=_address(environment, "LIVEKIT_URL"),
            api_key=_required(environment, "LIVEKIT_API_KEY"),
            api_secret=_required(environment, "LIVEKIT_API_SECRET"),
            recordings=Path(environment.get("STILLAIR_RECORDINGS") or data / "recordings").absolute(),
            data=data,
            low_water_mb=_whole(environment, "STILLAIR_LOW_WATER_MB", 200, 1, 1_000_000),
            capacity=capacity_from(environment),
            never_original=_switch(environment, "STILLAIR_NEVER_ORIGINAL"),
            grace_s=_seconds(environment, "STILLAIR_GRACE_S", 60.0),
            health_port=_whole(environment, "STILLAIR_AGENT_HEALTH_PORT", 8004, 1, 65_535),
        )


def capacity_from(environment: Mapping[str, str] = os.environ) -> int | None:
    """None when nothing is set. Raises ConfigError."""
    if not environment.get("STILLAIR_CAPACITY"):
        return None
    return _whole(environment, "STILLAIR_CAPACITY", 0, 1, 10_000)


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    return Path(environment.get("STILLAIR_DATA") or "data").absolute()


def prepare_forking(environment: MutableMapping[str, str] = os.environ) -> None:
    """For the process that all jobs are forked from: no speech models of livekit-agents' own in it (240 MB), no watch over the
    event loop (100 wake-ups a second in each job; agent.live.lateness knows when one is late), and no threads of the linear
    algebra
    library, for threads do not survive a fork."""
    environment["LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"] = "0"
    environment["LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS"] = "0"
    environment["OPENBLAS_NUM_THREADS"] = "1"
    environment["OMP_NUM_THREADS"] = "1"


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set. ./stillair up sets it; see the settings table in README.md.")
    return value


def _address(environment: Mapping[str, str], name: str) -> str:
    value = _required(environment, name)
    parts = urlsplit(value)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ConfigError(f"{name} is {value!r}: it must be an address like ws://127.0.0.1:8001.")
    return value


def _whole(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = environment.get(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ConfigError(f"{name} is {value!r}: it must be a whole number from {low} to {high}.")
    return number


def _switch(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name) or "0"
    if value not in ("0", "1"):
        raise ConfigError(f"{name} is {value!r}: it must be 1 (yes) or 0 (no).")
    return value == "1"


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name) or str(default)
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ConfigError(f"{name} is {value!r}: it must be seconds from 0 to 86400.")
    return seconds
