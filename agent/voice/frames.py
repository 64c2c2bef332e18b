"""Ten milliseconds of sound at a time, of many voices at once: conversion between number formats, and fades.

Samples travel as int16 (what the SDK and the recording take) and as float32 in [-1, 1) (what the denoiser takes). A frame
is FRAME samples, 48 kHz: an array [FRAME], or with two channels [FRAME, 2]; frames of several voices have one axis more in front.
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


def to_float(samples: Int16) -> Float32:
    """Converts int16 to float32 in [-1, 1)."""
    return np.multiply(samples, _TO_FLOAT, dtype=np.float32)


def to_int16(samples: Float32) -> Int16:
    """Converts float32 to int16, rounded and clipped. `samples` must be finite."""
    scaled = samples * _TO_INT
    np.rint(scaled, out=scaled)
    np.clip(scaled, _MIN_INT16, _MAX_INT16, out=scaled)
    return scaled.astype(np.int16)


class Fade:
    """Moves weights to their targets in a straight line, a frame at a time."""

    def __init__(self, length_s: float) -> None:
        """`length_s`: of the way from 0 to 1."""
        self._step = np.float32(1 / (length_s * SAMPLE_RATE))
        self._steps = np.arange(1, FRAME + 1, dtype=np.float32) * self._step

    def next(self, weights: Float32, targets: Float32) -> Float32:
        """Takes the weights of some voices, [voices], and moves them on by a frame. Returns the weights of its samples,
        [voices, FRAME]."""
        up = (targets >= weights)[:, None]
        start, target = weights[:, None], targets[:, None]
        of_samples = np.where(up, np.minimum(start + self._steps, target), np.maximum(start - self._steps, target))
        last = of_samples[:, -1]
        weights[:] = np.where(np.abs(last - targets) < self._step / 2, targets, last)
        return of_samples
