"""Computes noises of everyday rooms: 48 kHz, always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.voice.frames import Float32
from contract.recording import SAMPLE_RATE

Floats = NDArray[np.float64]


def kitchen(length: int) -> Float32:
    """Makes the noise of an extractor fan, and now and then a dish."""
    dice = np.random.default_rng(1)
    time = np.arange(length) / SAMPLE_RATE
    hum = sum((np.sin(2 * np.pi * 97 * k * time + dice.uniform(0, 6)) / k for k in range(1, 9)), np.zeros(length))
    air = _shaped(length, dice, lambda frequency: 1 / np.sqrt(np.maximum(frequency, 120)))
    dishes = _strokes(length, dice, each_s=1.1, ring_hz=(1_800, 5_200), partials=5, decay=35)
    return _mixed((hum, -40), (air, -27), (dishes, -38))


def street(length: int) -> Float32:
    """Makes the noise of traffic: a low rumble, and tyres that come and go."""
    dice = np.random.default_rng(2)
    time = np.arange(length) / SAMPLE_RATE
    rumble = _shaped(length, dice, lambda frequency: 1 / np.maximum(frequency, 50))
    tyres = _shaped(length, dice, lambda frequency: 1 / (1 + (frequency / 1_400) ** 2))
    passing = 0.25 + np.exp(-(((time - 1.6) / 0.9) ** 2)) + 0.8 * np.exp(-(((time - 5.4) / 1.1) ** 2))
    return _mixed((rumble, -32), (tyres * passing, -26))


def typing(length: int) -> Float32:
    """Makes the noise of fast fingers on a keyboard, beside a computer's fan."""
    dice = np.random.default_rng(3)
    keys = _strokes(length, dice, each_s=0.11, ring_hz=(1_500, 6_500), partials=3, decay=180)
    air = _shaped(length, dice, lambda frequency: 1 / np.sqrt(np.maximum(frequency, 60)))
    return _mixed((keys, -30), (air, -36))


def _mixed(*parts: tuple[Floats, float]) -> Float32:
    """Adds the parts, each at its level: root mean square in dBFS."""
    sound = sum((part * (10 ** (level_db / 20) / np.sqrt(np.mean(part**2))) for part, level_db in parts), np.zeros(1))
    return sound.astype(np.float32)


def _shaped(length: int, dice: np.random.Generator, gain: Callable[[Floats], Any]) -> Floats:
    """Makes white noise with this gain over the frequency."""
    spectrum = np.fft.rfft(dice.standard_normal(length))
    return np.fft.irfft(spectrum * gain(np.fft.rfftfreq(length, 1 / SAMPLE_RATE)), length)


def _strokes(
    length: int,
    dice: np.random.Generator,
    *,
    each_s: float,
    ring_hz: tuple[float, float],
    partials: int,
    decay: float,
) -> Floats:
    """Makes the sound of things that are struck and ring, one in `each_s` seconds on average; `decay`: per second."""
    time = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    sound = np.zeros(length + len(time))
    for start in dice.uniform(0, length, round(length / SAMPLE_RATE / each_s)).astype(int):
        ring = sum((np.sin(2 * np.pi * dice.uniform(*ring_hz) * time + dice.uniform(0, 6)) for _ in range(partials)), np.zeros(1))
        knock = dice.standard_normal(len(time)) * np.exp(-time * 600)
        sound[start : start + len(time)] += (ring / partials * np.exp(-time * decay) + knock) * dice.uniform(0.3, 1)
    return sound[:length]
