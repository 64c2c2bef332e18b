"""What a worker tells the crew of itself, line by line over a pipe."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Report:
    is_registered: bool  # with the audio server, which can send it broadcasts only then
    capacity: int  # voices that it can clean at once
    streams: int  # that it has, or is about to have
    jobs: dict[str, str]  # metadata of its jobs, by the room
    desk: str  # how far it has fallen back: agent.desk.load_shedder.STAGES
    late_ms: float  # how far its desk is behind the sound
    handed_over_ms: float  # from a frame's arrival to when the desk has handed it over, 95th percentile
    lost_frames: int  # of the voices that it has now

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        return cls(**json.loads(line))
