"""Independent readers of FLAC that say whether a file is valid, and sound to record."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 48_000


def speech_like(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Noise with syllables and pauses. No sample is 0, so that silence which was filled in can be told apart."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * 2.5 * time) + 0.4, 0.002, 1)
    sound = (rng.standard_normal(len(time)) * envelope * 3000).astype(np.int16)
    sound[sound == 0] = 1
    return sound


def samples_of(path: Path) -> NDArray[np.int16]:
    """What libsndfile reads: it stops where the header says, and raises when there is less."""
    return soundfile.read(str(path), dtype="int16")[0]


def assert_valid(path: Path, channels: int = 1) -> NDArray[np.int16]:
    """libsndfile, FFmpeg's decoder with all checks on, ffprobe and Debian's flac agree. -> samples, [n] or [n, channels]."""
    samples = samples_of(path)
    info = soundfile.info(str(path))
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, channels, "PCM_16", len(samples))
    with av.open(str(path), options={"err_detect": "crccheck+explode"}) as container:
        stream = container.streams.audio[0]
        assert abs(float(stream.duration * stream.time_base) - len(samples) / RATE) < 0.001
        decoded = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(stream)])
    np.testing.assert_array_equal(decoded[: samples.size], samples.reshape(-1))
    expected = {"codec_name": "flac", "sample_rate": str(RATE), "channels": channels, "duration_ts": len(samples)}
    assert ffprobe_says(path) == expected
    flac_says_ok(path)
    return samples


def flac_says_ok(path: Path) -> str:
    """Output of `flac --test`, which also compares the MD5 when there is one."""
    return _run("flac", "--test", str(path)).stderr


def ffprobe_says(path: Path) -> dict[str, Any]:
    """What Debian's ffprobe finds in a file of which it complains in no word."""
    entries = "stream=codec_name,sample_rate,channels,duration_ts"
    result = _run("ffprobe", "-v", "warning", "-show_entries", entries, "-of", "json", str(path))
    assert result.stderr == ""
    [stream] = json.loads(result.stdout)["streams"]
    return stream


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which(program)
    assert tool, f"These tests need Debian's {program} as an independent judge: ./stillair test says how to get it."
    result = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result
