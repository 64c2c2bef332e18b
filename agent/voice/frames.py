"""Ten milliseconds of sound at a time: conversion between number formats, the delay line, and the fades.

Samples travel as int16 (what the SDK and the recording take) and as float32 in [-1, 1) (what the denoiser takes). A frame
is FRAME samples, 48 kHz: an array [FRAME], or with two channels [FRAME, 2]. Nothing here is thread-safe: each voice belongs to
one task.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contract.recording import SAMPLE_RATE

Int16 = NDArray[np.int16]
Float32 = NDArray[np.float32]

FRAME = SAMPLE_RATE // 100
"""Samples in 10 ms: the only size that an `rtc.AudioSource` without a queue takes."""

FRAME_S = FRAME / SAMPLE_RATE

_TO_FLOAT = np.float32(1 / 32768)
_TO_INT = np.float32(32768)
_MAX_INT16 = np.float32(32767)
_MIN_INT16 = np.float32(-32768)


def to_float(samples: Int16, out: Float32) -> Float32:
    """Converts int16 to float32 in [-1, 1), into `out`, and returns that."""
    return np.multiply(samples, _TO_FLOAT, out=out)


def to_int16(samples: Float32, out: Int16) -> None:
    """Converts float32 to int16, rounded and clipped, into `out`. `samples` must be finite."""
    scaled = samples * _TO_INT
    np.rint(scaled, out=scaled)
    np.clip(scaled, _MIN_INT16, _MAX_INT16, out=scaled)
    out[:] = scaled


class DelayLine:
    """Gives back what was put in `delay` samples earlier, and zeros before that."""

    def __init__(self, delay: int) -> None:
        self._held: Int16 = np.zeros(delay, dtype=np.int16)

    def shift(self, samples: Int16) -> Int16:
        """Returns as many samples as came in, delayed. The caller may keep them."""
        line = np.concatenate((self._held, samples))
        self._held = line[len(samples) :]
        return line[: len(samples)]


class Ramp:
    """Moves a weight to its target in a straight line, one frame at a time."""

    def __init__(self, length_s: float, *, at: float) -> None:
        self._step = 1 / (length_s * SAMPLE_RATE)
        self._steps = np.arange(1, FRAME + 1, dtype=np.float32) * np.float32(self._step)
        self.value = at
        self.target = at

    @property
    def is_resting(self) -> bool:
        return self.value == self.target

    def next(self) -> Float32:
        """Returns the weights of the next frame's samples."""
        if self.target >= self.value:
            weights = np.minimum(self.value + self._steps, self.target)
        else:
            weights = np.maximum(self.value - self._steps, self.target)
        self.value = float(weights[-1])
        if abs(self.value - self.target) < self._step / 2:
            self.value = self.target
        return weights.astype(np.float32, copy=False)
