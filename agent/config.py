"""The settings of the agent, which are read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from contract import settings

CAPACITY = settings.whole_number("STILLAIR_CAPACITY", minimum=1, maximum=10_000)
HEALTH_PORT = settings.whole_number("STILLAIR_AGENT_HEALTH_PORT", default=8004, minimum=1, maximum=65_535)
WORKERS = settings.whole_number("STILLAIR_WORKERS", minimum=1, maximum=256)
NEVER_ORIGINAL = settings.switch("STILLAIR_NEVER_ORIGINAL")


@dataclass(frozen=True)
class AgentConfig:
    url: str  # ws:// or wss:// of the audio server
    api_key: str
    api_secret: str = field(repr=False)
    recordings: Path  # folder of <stream_id>.flac and .json
    data: Path  # folder of everything that is kept
    low_water_mb: int  # recording stops while the disk has fewer MiB
    capacity: int | None  # streams this worker cleans at once; None: what the machine was measured to carry
    workers: int  # processes that clean, each on a core
    never_original: bool  # silence, and not the original sound, while the noise cannot be removed
    grace_s: float  # how long a broadcast outlives its broadcaster
    health_port: int  # HTTP on loopback: see agent.live.health_page

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            url=settings.LIVEKIT_URL.read(environment),
            api_key=settings.LIVEKIT_API_KEY.read(environment),
            api_secret=settings.LIVEKIT_API_SECRET.read(environment),
            recordings=settings.recordings_folder(environment),
            data=settings.DATA.read(environment),
            low_water_mb=settings.LOW_WATER_MB.read(environment),
            capacity=CAPACITY.read_optional(environment),
            workers=WORKERS.read_optional(environment) or len(os.sched_getaffinity(0)),
            never_original=NEVER_ORIGINAL.read(environment),
            grace_s=settings.GRACE_S.read(environment),
            health_port=HEALTH_PORT.read(environment),
        )
