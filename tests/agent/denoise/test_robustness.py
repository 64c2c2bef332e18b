"""Whatever comes in: what goes out is finite and within full scale, and speech afterwards sounds as it should."""

import time
from itertools import pairwise

import numpy as np
import pytest
import soxr

from agent.denoise.spectrum import HOP
from agent.denoise.stream import sanitised
from tests.agent.denoise.chunks import cleaned, of_size
from tests.agent.denoise.mixes import MIXES, RATE, level_db

RNG = np.random.default_rng(7)
SPEECH = MIXES[0].noisy
LENGTH = RATE // 2
SETTLED_HOPS = 700
"""The features are relative to running means of 1 s: after so long the network has forgotten the loudest sound."""


def with_holes(value):
    samples = SPEECH[:LENGTH].copy()
    samples[LENGTH // 2 :][:700] = value
    samples[::997] = value
    return samples


def at_rate(rate):
    return soxr.resample(soxr.resample(SPEECH[:LENGTH], RATE, rate), rate, RATE)


STRANGE = {
    "silence": np.zeros(LENGTH),
    "full scale square": np.sign(np.sin(np.arange(LENGTH) / 30)),
    "full scale noise": RNG.uniform(-1, 1, LENGTH),
    "DC": np.full(RATE, 0.9),
    "white noise": 0.3 * RNG.standard_normal(LENGTH),
    "denormals": np.full(RATE, 1e-40),
    "alternating denormals": np.tile([1e-39, -1e-39], LENGTH // 2),
    "far beyond full scale": 1e30 * RNG.standard_normal(LENGTH),
    "NaN only": np.full(RATE, np.nan),
    "NaN in speech": with_holes(np.nan),
    "Inf in speech": with_holes(np.inf),
    "-Inf in speech": with_holes(-np.inf),
    "one impulse": np.eye(1, LENGTH, 1000)[0],
    "8 kHz speech": at_rate(8_000),
    "16 kHz speech": at_rate(16_000),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", STRANGE)
def test_strange_sound_is_survived(denoiser, name):
    result = cleaned(denoiser.stream(), np.concatenate([STRANGE[name].astype(np.float32), SPEECH[:LENGTH]]))
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= 1


def test_speech_after_strange_sound_is_as_loud_as_in_a_fresh_stream(denoiser):
    """All of them side by side in one engine; a fresh voice joins when the speech begins."""
    engine = denoiser.engine()
    for _ in STRANGE:
        engine.join()
    for hop in range(LENGTH // HOP):
        engine.step(np.stack([sanitised(sound.astype(np.float32))[hop * HOP :][:HOP] for sound in STRANGE.values()]))
    engine.join()
    heard = [engine.step(np.tile(hop, (engine.voices, 1))).copy() for hop in of_size(np.tile(SPEECH, 2), HOP)[:1000]]
    *levels, fresh = (level_db(voice) for voice in np.stack(heard[SETTLED_HOPS:], axis=1))
    assert dict(zip(STRANGE, levels, strict=True)) == pytest.approx(dict.fromkeys(STRANGE, fresh), abs=0.1)


def test_what_is_not_finite_counts_as_silence(denoiser):
    broken = with_holes(np.nan)
    np.testing.assert_array_equal(cleaned(denoiser.stream(), broken), cleaned(denoiser.stream(), np.nan_to_num(broken, nan=0)))
    np.testing.assert_array_equal(cleaned(denoiser.stream(), with_holes(np.inf)), cleaned(denoiser.stream(), with_holes(0)))


def test_in_silence_the_state_comes_to_rest(denoiser):
    """So that an hour of it is no worse than half a minute: what a hop still changes shrinks geometrically."""
    engine = denoiser.engine()
    engine.join()
    for hop in of_size(SPEECH, HOP)[:100]:
        engine.step(hop[None])
    silence = np.zeros((1, HOP), np.float32)

    def change_of_a_hop():
        before = engine.voice(0).arrays
        engine.step(silence)
        after = engine.voice(0).arrays
        return max(np.abs(new - old).max() for old, new in zip(before, after, strict=True) if new.dtype == np.float32)

    changes = []
    for _ in range(3):
        for _ in range(799):
            engine.step(silence)
        changes.append(change_of_a_hop())
    assert changes[1] < 1e-3
    assert all(later < 0.8 * earlier for earlier, later in pairwise(changes[1:]))


@pytest.mark.parametrize("name", ["silence", "denormals", "alternating denormals"])
def test_quiet_costs_no_more_time_than_speech(denoiser, name):
    """Denormal numbers can make a processor a hundred times slower."""

    def seconds(samples):
        stream = denoiser.stream()
        stream.feed(SPEECH[:LENGTH])
        hops = of_size(samples.astype(np.float32)[:RATE], HOP)
        durations = []
        for hop in hops:
            began = time.thread_time()
            stream.feed(hop)
            durations.append(time.thread_time() - began)
        return np.median(durations[30:])

    assert seconds(np.tile(STRANGE[name], 2)) < 3 * seconds(SPEECH)
