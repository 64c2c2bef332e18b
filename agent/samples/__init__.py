"""Noisy samples that go through the noise remover of this machine, so that somebody without a microphone hears what it does.

The voice is a recording (NOTICE names it); the noises are computed, the same every time. A sample is cleaned frame by frame
like a broadcast, so its meter and its sound are those of a broadcast.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from agent.denoise import Denoiser
from agent.denoise.engine import MODEL_SHA256
from agent.samples import noises
from agent.voice.frames import FRAME, Float32, Int16
from agent.voice.one_voice import OneVoice
from contract.recording import SAMPLE_RATE

VOICE = Path(__file__).with_name("voice.flac")
VOICE_PEAK = 0.5
METER_FRAMES = 10
BARS = 96
"""Bars in the picture of the sound."""
FULL_DB = 100.0

NOISES: Mapping[str, Callable[[int], Float32]] = {
    "kitchen": noises.kitchen,
    "street": noises.street,
    "typing": noises.typing,
}


@dataclass(frozen=True)
class Sample:
    """Holds a sample and what the noise remover made of it. Both sounds are equally long and aligned."""

    original: bytes  # FLAC, 48 kHz, mono
    clean: bytes
    removed_db: tuple[float, ...]  # the noise meter's readings, ten a second
    original_bars: tuple[float, ...]  # loudness of BARS equal parts, 0 to 1
    clean_bars: tuple[float, ...]
    version: str

    @property
    def description(self) -> dict[str, object]:
        return {"removed_db": self.removed_db, "original": self.original_bars, "clean": self.clean_bars}


class Samples:
    """Cleans each sample in a thread when it is first asked for: some seconds of one core in the life of a worker."""

    def __init__(self) -> None:
        self._made: dict[str, Sample] = {}
        self._lock = asyncio.Lock()

    async def get(self, name: str) -> Sample:
        """Returns the sample with this noise. Raises KeyError for a name that is not in NOISES, and ModelError."""
        mix = NOISES[name]
        async with self._lock:
            if name not in self._made:
                self._made[name] = await asyncio.to_thread(make, mix)
        return self._made[name]


def make(noise: Callable[[int], Float32]) -> Sample:
    """Makes the sample with this noise. Raises ModelError."""
    noisy = mixed(noise)
    original, clean, removed_db = cleaned(noisy)
    return Sample(
        original=_flac(original),
        clean=_flac(clean),
        removed_db=removed_db,
        original_bars=_bars(original),
        clean_bars=_bars(clean),
        version=version_of(noisy),
    )


def version_of(noisy: Int16) -> str:
    """Returns a version that changes with the sample and with the model."""
    return hashlib.sha256(noisy.tobytes() + MODEL_SHA256.encode()).hexdigest()[:32]


def mixed(noise: Callable[[int], Float32]) -> Int16:
    """Mixes the voice with this noise; 48 kHz, whole frames."""
    speech, rate = soundfile.read(VOICE, dtype="float32")
    voice = soxr.resample(speech, rate, SAMPLE_RATE)
    voice = voice[: len(voice) // FRAME * FRAME]
    sound = voice * (VOICE_PEAK / np.abs(voice).max()) + noise(len(voice))
    samples: Int16 = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return samples


def cleaned(noisy: Int16) -> tuple[Int16, Int16, tuple[float, ...]]:
    """Cleans `noisy` like a broadcast. Returns original and clean sound, aligned, as long as it, and the meter's readings."""
    voice = OneVoice(Denoiser.load(), strength_db=FULL_DB)
    late = voice.latency_samples - FRAME
    fed = np.concatenate([noisy, np.zeros(late, np.int16)])
    original, clean = np.empty_like(fed), np.empty_like(fed)
    readings = []
    for start in range(0, len(fed), FRAME):
        frame = slice(start, start + FRAME)
        clean[frame], original[frame] = voice.process(fed[frame])
        if (start // FRAME + 1) % METER_FRAMES == 0:
            readings.append(round(voice.read_meters()[1], 1))
    return original[late:], clean[late:], tuple(readings)


def _flac(samples: Int16) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _bars(samples: Int16) -> tuple[float, ...]:
    parts = np.array_split(samples.astype(np.float32) / 32768, BARS)
    levels_db = [10 * np.log10(np.mean(part * part) + 1e-9) for part in parts]
    return tuple(round(float(np.clip(1 + level / 50, 0, 1)), 2) for level in levels_db)
