"""Real speech in noise at a known ratio, 48 kHz: speech from tests/audio/voices, noises made here, the same in every run."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE = 48_000
VOICES = Path(__file__).parents[2] / "audio" / "voices"

Samples = NDArray[np.float32]


@cache
def voice(name: str) -> Samples:
    """A recording, resampled; do not write to it."""
    samples, rate = soundfile.read(str(VOICES / f"{name}.flac"), dtype="float32")
    return soxr.resample(samples, rate, RATE)


def white(length: int, rng: np.random.Generator) -> Samples:
    return rng.standard_normal(length)


def brown(length: int, rng: np.random.Generator) -> Samples:
    """Wind, distant traffic: 6 dB an octave down from 60 Hz, swelling every few seconds."""
    swell = 1 + 0.8 * np.sin(2 * np.pi * 0.3 * np.arange(length) / RATE)
    return _shaped(length, rng, lambda frequency: 1 / np.maximum(frequency, 60)) * swell


def fan(length: int, rng: np.random.Generator) -> Samples:
    """A computer's fan: mains hum and its harmonics over pink air noise."""
    time = np.arange(length) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * time + rng.uniform(0, 6)) / k for k in range(1, 12))
    return 0.4 * hum + _normalised(_shaped(length, rng, lambda frequency: 1 / np.sqrt(np.maximum(frequency, 30))))


def keyboard(length: int, rng: np.random.Generator) -> Samples:
    """Eight key strokes a second: short bursts that ring at some kilohertz."""
    sound = np.zeros(length + RATE // 10)
    time = np.arange(RATE // 20) / RATE
    for start in np.sort(rng.uniform(0, length, max(1, 8 * length // RATE))).astype(int):
        ring = np.sin(2 * np.pi * rng.uniform(2e3, 6e3) * time) * np.exp(-time * 200)
        burst = ring + rng.standard_normal(len(time)) * np.exp(-time * 400)
        sound[start : start + len(burst)] += burst * rng.uniform(0.3, 1)
    return sound[:length]


def babble(length: int, rng: np.random.Generator) -> Samples:
    """Many voices that say nothing: recordings backwards, from random starts."""
    names = sorted(path.stem for path in VOICES.glob("*.flac"))
    return sum(np.resize(np.roll(_normalised(voice(name))[::-1], rng.integers(RATE)), length) for name in names)


def siren(length: int, rng: np.random.Generator) -> Samples:
    """A tone that wails between 600 and 1,400 Hz, with its octave."""
    sweep = 1000 + 400 * np.sin(2 * np.pi * 0.5 * np.arange(length) / RATE)
    phase = 2 * np.pi * np.cumsum(sweep) / RATE
    return np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.02 * rng.standard_normal(length)


@dataclass(frozen=True)
class Mix:
    voice: str
    noise: Callable[[int, np.random.Generator], Samples]
    snr_db: float

    def __str__(self) -> str:
        return f"{self.voice}-{self.noise.__name__}-{self.snr_db:g}dB"

    @property
    def clean(self) -> Samples:
        return voice(self.voice) * self._gain

    @property
    def noisy(self) -> Samples:
        return ((voice(self.voice) + self._noise) * self._gain).astype(np.float32)

    @property
    def _noise(self) -> Samples:
        speech = voice(self.voice)
        noise = _normalised(self.noise(len(speech), np.random.default_rng(zlib.crc32(str(self).encode()))))
        return (noise * np.sqrt(np.mean(speech**2)) * 10 ** (-self.snr_db / 20)).astype(np.float32)

    @property
    def _gain(self) -> float:
        """Below full scale, so that nothing is clipped."""
        return float(min(1, 0.9 / np.abs(voice(self.voice) + self._noise).max()))


MIXES = (
    Mix("austen-0870", white, 5),
    Mix("austen-0880", brown, 0),
    Mix("austen-0890", fan, 5),
    Mix("austen-0920", keyboard, 10),
    Mix("austen-0930", babble, 10),
    Mix("cards-005", siren, 5),
    Mix("goforward", fan, 10),
    Mix("numbers", brown, -5),
    Mix("something", white, 15),
)


def difference_db(samples: Samples, truth: Samples) -> float:
    """Power of the difference relative to the truth."""
    assert len(samples) == len(truth)
    error = np.sum((samples.astype(np.float64) - truth) ** 2)
    return float(10 * np.log10(error / np.sum(truth.astype(np.float64) ** 2) + 1e-30))


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-30))


def _normalised(samples: Samples) -> Samples:
    return samples / np.sqrt(np.mean(samples**2))


def _shaped(length: int, rng: np.random.Generator, shape: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Samples:
    spectrum = np.fft.rfft(rng.standard_normal(length))
    return np.fft.irfft(spectrum * shape(np.fft.rfftfreq(length, 1 / RATE)), length)
