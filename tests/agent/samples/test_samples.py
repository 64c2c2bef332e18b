"""The samples of "Hear the difference" go through the real noise remover."""

import io

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from agent import samples
from agent.denoise import Denoiser
from contract.recording import SAMPLE_RATE


@pytest.fixture(scope="module", params=samples.NOISES)
def sample(request):
    return samples.make(samples.NOISES[request.param])


def sound(flac: bytes) -> np.ndarray:
    read, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    assert (rate, read.ndim) == (SAMPLE_RATE, 1)
    return read


def pause_db(read: np.ndarray) -> float:
    """Level of the second of silence between the two sentences."""
    return 10 * np.log10(np.mean(read[int(3.2 * SAMPLE_RATE) : int(4.0 * SAMPLE_RATE)] ** 2) + 1e-12)


def test_the_noise_is_gone_and_the_voice_is_there(sample):
    original, clean = sound(sample.original), sound(sample.clean)
    assert pause_db(original) - pause_db(clean) > 20
    voice, rate = soundfile.read(samples.VOICE, dtype="float32")
    assert len(original) == len(clean) == pytest.approx(len(voice) / rate * SAMPLE_RATE, abs=480)


def test_both_sounds_have_the_same_moment_at_the_same_place(sample):
    original, clean = sound(sample.original), sound(sample.clean)
    likeness = correlate(original, clean, method="fft")
    assert abs(int(np.argmax(likeness)) - (len(clean) - 1)) < 24, "half a millisecond"


def test_what_is_heard_is_what_the_noise_remover_gives(sample):
    noisy = next(noisy for noisy in map(samples.mixed, samples.NOISES.values()) if samples.version_of(noisy) == sample.version)
    stream = Denoiser.load().stream()
    wanted = np.concatenate([stream.feed(noisy.astype(np.float32) / 32768), stream.flush()])
    heard = sound(sample.clean)
    assert np.abs(heard - wanted)[: -2 * SAMPLE_RATE // 10].max() < 1e-3
    assert np.abs(sound(sample.original) * 32768 - noisy).max() < 1


def test_meter_and_picture_belong_to_it(sample):
    assert len(sample.removed_db) == round(len(sound(sample.clean)) / SAMPLE_RATE * 10)
    assert max(sample.removed_db) > 20
    assert len(sample.clean_bars) == len(sample.original_bars) == samples.BARS
    assert 0 <= min(sample.clean_bars) < min(sample.original_bars)


async def test_a_sample_is_cleaned_once():
    made = samples.Samples()
    assert await made.get("typing") is await made.get("typing")
    with pytest.raises(KeyError):
        await made.get("jungle")
