"""Music on its way through the noise remover: unchanged, at once, with both channels. Noise removal is made for speech.

`PassThrough` offers what agent.desk asks of agent.voice.clean_voices.CleanVoices, so meters, recording and lateness work alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.voice.clean_voices import Rows
from agent.voice.frames import FRAME, Int16
from agent.voice.meters import Decibels, levels_db

_FULL_SCALE = 32768.0


class PassThrough:
    """Passes frames on unchanged, and shows their level."""

    channels = 2
    latency_samples = 0

    def __init__(self) -> None:
        self._table = np.zeros(0, _RECORD)

    def __len__(self) -> int:
        return len(self._table)

    def join(self, *, strength_db: float, never_original: bool = False) -> int:
        """Adds a voice and returns its row, the last one. Nothing is removed, whatever the strength."""
        self._table = np.concatenate([self._table, np.zeros(1, _RECORD)])
        return len(self) - 1

    def leave(self, row: int) -> None:
        self._table = np.delete(self._table, row)

    def set_strength(self, row: int, strength_db: float) -> None:
        """Changes nothing: there is no noise removal."""

    def set_bypass(self, row: int, on: bool) -> None:
        """Changes nothing: the original is heard in any case."""

    def set_overloaded(self, row: int, on: bool) -> None:
        """Changes nothing: to pass a frame on is never too slow."""

    def paused(self, row: int) -> str | None:
        return None

    def silenced(self, row: int) -> bool:
        return False

    def are_calm(self, rows: Rows) -> bool:
        return True

    def read_meters(self, rows: Rows) -> tuple[Decibels, Decibels]:
        """Returns the levels of what came in since the last reading, and zeros: no noise was removed."""
        table = self._table
        levels = levels_db(table["level"][rows] / np.maximum(table["level_frames"][rows], 1))
        table["level"][rows], table["level_frames"][rows] = 0, 0
        return levels, np.zeros(len(rows))

    def silent_frames(self, rows: Rows) -> NDArray[np.int32]:
        silent: NDArray[np.int32] = self._table["silent"][rows]
        return silent

    def process(self, rows: Rows, frames: Int16) -> tuple[Int16, Int16]:
        """Takes a frame of each of these voices, [rows, FRAME, 2]. Returns what is heard and the originals: the same."""
        mixed = frames.mean(axis=2, dtype=np.float32) / np.float32(_FULL_SCALE)
        self._table["level"][rows] += np.einsum("vs,vs->v", mixed, mixed) / FRAME
        self._table["level_frames"][rows] += 1
        self._table["silent"][rows] = np.where(frames.any(axis=(1, 2)), 0, self._table["silent"][rows] + 1)
        return frames, frames


_RECORD = np.dtype([("level", np.float32), ("level_frames", np.int32), ("silent", np.int32)])
