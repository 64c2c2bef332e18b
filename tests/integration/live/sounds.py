"""Makes sounds in which every moment can be recognised, and analyses what was heard of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE = 48_000
SPEECH = Path(__file__).parents[2] / "audio" / "speech.flac"
Sound = NDArray[np.int16]

_LOW, _HIGH = 400.0, 2_400.0  # Hz
PERIOD_S = 2.0


def sweep(seconds: float) -> Sound:
    """Makes a tone that climbs from 400 to 2400 Hz every 2 s: its pitch tells the moment to about a millisecond."""
    at = np.arange(round(seconds * RATE)) / RATE
    within = at % PERIOD_S
    phase = 2 * np.pi * (_LOW * within + (_HIGH - _LOW) / PERIOD_S / 2 * within**2)
    return (8_000 * np.sin(phase)).astype(np.int16)


def noise(seconds: float, level_db: float = -35.0, seed: int = 1) -> Sound:
    """Makes pinkish room noise of this level in dBFS (root mean square)."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    pitch = np.fft.rfftfreq(len(white), 1 / RATE)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(np.maximum(pitch, 50)), len(white))
    return (pink / np.std(pink) * 32_768 * 10 ** (level_db / 20)).clip(-32_768, 32_767).astype(np.int16)


def speech() -> Sound:
    """Reads two sentences (tests/audio/README.md) at 48 kHz, with a second of silence before, between and after them."""
    sound, rate = soundfile.read(SPEECH, dtype="int16")
    spoken = soxr.resample(sound, rate, RATE)
    silence = np.zeros(RATE, np.int16)
    return np.concatenate([silence, spoken, silence])


def level_db(sound: Sound) -> float:
    """Returns the root mean square in dBFS, at least -100."""
    return float(20 * np.log10(max(np.sqrt(np.mean((sound / 32_768.0) ** 2)), 1e-5)))


def moments(heard: Sound, step_s: float = 0.010, window_s: float = 0.020) -> NDArray[np.float64]:
    """Returns for each 10 ms the moment of the sweep (0 to 2 s) that was heard, or NaN where there was no tone."""
    step, window = round(step_s * RATE), round(window_s * RATE)
    starts = range(0, len(heard) - window, step)
    return np.array([_moment(heard[start : start + window]) for start in starts])


def _moment(part: Sound) -> float:
    if np.sqrt(np.mean(part.astype(np.float64) ** 2)) < 500:
        return np.nan
    size = 8_192
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    peak = int(np.argmax(spectrum[1:-1])) + 1
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2] + 1e-9)
    pitch = (peak + 0.5 * (left - right) / (left - 2 * middle + right)) * RATE / size
    return (pitch - _LOW) / (_HIGH - _LOW) * PERIOD_S


def progress(found: NDArray[np.float64], step_s: float = 0.010) -> NDArray[np.float64]:
    """Returns how far the sweep advanced in each step, minus the time that passed: 0 if all is well, more if sound is missing.

    Steps near the sweep's jump and steps without a tone are left out.
    """
    well = (found > 0.05) & (found < PERIOD_S - 0.05)
    both = well[1:] & well[:-1]
    ahead = np.diff(found) - step_s
    return ahead[both]


def longest_silence_s(found: NDArray[np.float64], step_s: float = 0.010) -> float:
    longest = run = 0
    for silent in np.isnan(found):
        run = run + 1 if silent else 0
        longest = max(longest, run)
    return longest * step_s
