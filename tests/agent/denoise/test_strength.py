"""Strength: how much noise may go, and that turning it makes no click."""

import numpy as np
import pytest

from agent.denoise.spectrum import HOP
from tests.agent.denoise.chunks import cleaned, of_size
from tests.agent.denoise.mixes import MIXES, RATE, difference_db

NOISY = MIXES[2].noisy[RATE // 2 :][:RATE]
MODES = pytest.mark.parametrize("parity", [False, True], ids=["running", "parity"])


@pytest.fixture(scope="module")
def full(denoiser):
    """By mode: the noisy sound at full strength."""
    return {parity: cleaned(denoiser.stream(parity=parity), NOISY) for parity in (False, True)}


@MODES
def test_strength_0_is_the_input_only_later(denoiser, parity):
    np.testing.assert_allclose(cleaned(denoiser.stream(strength_db=0, parity=parity), NOISY), NOISY, atol=1e-6)


@MODES
@pytest.mark.parametrize("strength_db", [3, 12, 24])
def test_strength_limits_the_attenuation(denoiser, full, strength_db, parity):
    """The definition of `atten_lim_db`: so much of the noisy sound stays."""
    share = 10 ** (-strength_db / 20)
    result = cleaned(denoiser.stream(strength_db=strength_db, parity=parity), NOISY)
    assert difference_db(result, share * NOISY + (1 - share) * full[parity]) < -100


def test_100_and_more_is_no_limit(denoiser, full):
    for strength_db in (100, 100.5, float("inf")):
        np.testing.assert_array_equal(cleaned(denoiser.stream(strength_db=strength_db), NOISY), full[False])


@pytest.mark.parametrize("bad", [-1, -0.001, float("nan"), float("-inf")])
def test_a_strength_that_is_none_is_refused_and_the_old_one_stays(denoiser, bad):
    with pytest.raises(ValueError, match="strength_db"):
        denoiser.stream(strength_db=bad)
    stream = denoiser.stream(strength_db=12)
    with pytest.raises(ValueError, match="strength_db"):
        stream.strength_db = bad
    assert stream.strength_db == 12


def test_strength_reads_back(denoiser):
    stream = denoiser.stream()
    assert stream.strength_db == 100
    stream.strength_db = 24
    assert stream.strength_db == 24


def turned(denoiser, samples, *strengths_db):
    """Fed hop by hop; the strength changes every 0.3 s."""
    stream = denoiser.stream(strength_db=strengths_db[0])
    parts = []
    for number, hop in enumerate(of_size(samples, HOP)):
        if number % 30 == 0 and number // 30 < len(strengths_db):
            stream.strength_db = strengths_db[number // 30]
        parts.append(stream.feed(hop))
    return np.concatenate([*parts, stream.flush()])


def test_before_and_after_the_change_the_stream_is_what_it_would_have_been(denoiser, full):
    """Changed at 0.3 s."""
    result = turned(denoiser, NOISY, 100, 0)
    np.testing.assert_array_equal(result[: RATE // 4], full[False][: RATE // 4])
    np.testing.assert_allclose(result[RATE // 2 :], NOISY[RATE // 2 :], atol=1e-6)


def test_turning_the_strength_makes_no_click_on_a_sine(denoiser):
    """A click is energy where the sound has none: beside a 1 kHz sine, whatever its level does, above 3 kHz."""
    sine = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    result = turned(denoiser, sine, 100, 0, 100, 6, 0, 100)
    assert np.ptp(envelope(result)) > 0.2, "the sine was never removed, so nothing was turned"
    high = high_passed(result, 3000)[RATE // 10 :]
    assert np.abs(high).max() < 2e-3
    sudden = result.copy()
    sudden[RATE // 2 :] = sine[RATE // 2 :]
    sudden[: RATE // 2] = 0
    assert np.abs(high_passed(sudden, 3000)).max() > 0.05, "this test would not hear a click"


def test_turning_the_strength_makes_no_click_on_noise(denoiser):
    """The second difference of the sound never jumps above what the noise itself does."""
    noise = (0.1 * np.random.default_rng(4).standard_normal(2 * RATE)).astype(np.float32)
    result = turned(denoiser, noise, 100, 0, 100, 6, 0, 100)
    assert np.abs(np.diff(result, 2)).max() <= np.abs(np.diff(noise, 2)).max()
    levels = 20 * np.log10(envelope(result) + 1e-6)
    assert levels.max() - levels.min() > 20, "the noise was never removed, so nothing was turned"


def envelope(samples):
    """RMS of every 10 ms."""
    return np.sqrt(np.mean(samples[: len(samples) // HOP * HOP].reshape(-1, HOP) ** 2, axis=1))[10:-10]


def high_passed(samples, hertz):
    """Windowed-sinc high pass."""
    taps = np.sinc(2 * hertz / RATE * (np.arange(801) - 400)) * np.blackman(801)
    taps /= -taps.sum()
    taps[400] += 1
    return np.convolve(samples, taps, "same")
