"""What the broadcaster's page shows: the level of the microphone, and how much noise was removed."""

from __future__ import annotations

import numpy as np

from agent.voice.frames import FRAME, Float32

_QUIETEST = 1e-10  # -100 dBFS, where the level meter ends
_NOTHING_TO_REMOVE = 1e-8  # -80 dBFS: a silent room, or a muted microphone
_CLEAN_FLOOR = 1e-9  # -90 dBFS: below the last of 16 bits, how much was removed has no meaning


def power(samples: Float32) -> float:
    """Returns the mean square of one frame; 1.0 is 0 dBFS of a square wave."""
    return float(np.dot(samples, samples)) / FRAME


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


class LevelMeter:
    """Measures the root mean square of what came in since the last reading, in dBFS, not below -100."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._frames = 0

    def add(self, frame_power: float) -> None:
        self._sum += frame_power
        self._frames += 1

    def read(self) -> float:
        mean = self._sum / self._frames if self._frames else 0.0
        self._sum, self._frames = 0.0, 0
        return decibels(max(mean, _QUIETEST))


class NoiseMeter:
    """Measures how much lower the noise is after cleaning, in dB: the ratio of energies over the pauses of the last 3 s.

    The pauses are the quietest quarter of the frames that came in. The encoder's own estimate (lsnr) is not used: it is a
    clamped training target, where this reads 12 dB when the attenuation limit is 12 dB.
    """

    _FRAMES = 300
    _PAUSES = 75

    def __init__(self) -> None:
        self._original = np.zeros(self._FRAMES)
        self._clean = np.zeros(self._FRAMES)
        self._count = 0

    def add(self, original_power: float, clean_power: float) -> None:
        """Takes powers of the same moment: the delay-matched original and what was made of it."""
        at = self._count % self._FRAMES
        self._original[at] = original_power
        self._clean[at] = clean_power
        self._count += 1

    def read(self) -> float:
        if self._count < self._PAUSES:
            return 0.0
        filled = min(self._count, self._FRAMES)
        original, clean = self._original[:filled], self._clean[:filled]
        pauses = np.argpartition(original, filled // 4)[: filled // 4 + 1]
        before, after = float(np.mean(original[pauses])), float(np.mean(clean[pauses]))
        if before < _NOTHING_TO_REMOVE:
            return 0.0
        return max(0.0, decibels(before / max(after, _CLEAN_FLOOR)))
