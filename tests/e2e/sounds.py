"""Makes what the fake microphone plays, and measures what of it reaches a listener."""

import base64
import wave
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 48_000
SPEECH = Path(__file__).parent.parent / "audio" / "speech.flac"
FRAME = RATE // 50  # 20 ms
NOISE_DB = -42.0  # root mean square of the noise, dBFS


def noisy_speech() -> np.ndarray:
    """Makes two sentences with a second of silence after each, and a fan under all of it: float32, 48 kHz, about 9 s."""
    speech, rate = soundfile.read(SPEECH, dtype="float32")
    speech = soxr.resample(speech, rate, RATE)
    speech = np.concatenate([speech * (0.25 / np.abs(speech).max() * 2), np.zeros(RATE, np.float32)])
    return (speech + fan(len(speech))).clip(-1, 1).astype(np.float32)


def fan(length: int) -> np.ndarray:
    """Makes steady noise, stronger in the low frequencies, like that of a fan."""
    white = np.random.default_rng(1).standard_normal(length)
    spectrum = np.fft.rfft(white)
    frequencies = np.fft.rfftfreq(length, 1 / RATE)
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 100)), length)
    return (shaped * 10 ** (NOISE_DB / 20) / np.sqrt(np.mean(shaped**2))).astype(np.float32)


def of_text(text: str) -> np.ndarray:
    """Decodes float32 samples that a page has sent as text (`asText` in tap.js)."""
    return np.frombuffer(base64.b64decode(text), np.float32)


def write_wav(path: Path, sound: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def frame_levels(sound: np.ndarray) -> np.ndarray:
    """Returns the root mean square of each 20 ms in dBFS."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-12)


def pause_db(sound: np.ndarray) -> float:
    """Returns the level of the pauses: that of the quietest tenth of the frames."""
    return float(np.percentile(frame_levels(sound), 10))


def speech_db(sound: np.ndarray) -> float:
    """Returns the level of the speech: that of the loudest tenth of the frames."""
    return float(np.percentile(frame_levels(sound), 90))


def silences(sound: np.ndarray) -> list[float]:
    """Returns the lengths in seconds of all stretches below -60 dBFS."""
    quiet = np.concatenate([[False], frame_levels(sound) < -60, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(int)))
    return [float(end - start) * 0.02 for start, end in zip(edges[::2], edges[1::2], strict=True)]
