"""Against the truth, `df.enhance.enhance` with the published weights: parity mode equals it, running mode comes close."""

from dataclasses import dataclass

import numpy as np
import pytest
import soxr
from pesq import pesq

from agent.denoise import spectrum
from tests.agent.denoise.chunks import cleaned, of_size
from tests.agent.denoise.mixes import MIXES, RATE, Samples, difference_db

PARITY_DB = -80
EDGE = 960
EVERY_MIX = pytest.mark.parametrize("mix", MIXES, ids=str)


@dataclass(frozen=True)
class Cleaned:
    offline: Samples
    parity: Samples
    running: Samples


@pytest.fixture(scope="module")
def results(reference, denoiser):
    """Every mix, cleaned in three ways."""

    def clean(noisy):
        parity = cleaned(denoiser.stream(parity=True), of_size(noisy, 4321))
        return Cleaned(reference.enhance(noisy), parity, cleaned(denoiser.stream(), noisy))

    return {mix: clean(mix.noisy) for mix in MIXES}


@EVERY_MIX
def test_parity_mode_equals_the_offline_network(results, mix):
    assert difference_db(results[mix].parity, results[mix].offline) < PARITY_DB


@EVERY_MIX
def test_parity_holds_to_the_first_and_the_last_sample(results, mix):
    parity, offline = results[mix].parity, results[mix].offline
    assert difference_db(parity[:EDGE], offline[:EDGE]) < PARITY_DB
    assert difference_db(parity[-EDGE:], offline[-EDGE:]) < PARITY_DB


@EVERY_MIX
def test_running_mode_stays_close(results, mix):
    """It guesses two masks, and is furthest off where noise is loud and unsteady."""
    assert difference_db(results[mix].running, results[mix].offline) < -33


def test_running_mode_is_on_average_40_db_close(results):
    assert np.mean([difference_db(result.running, result.offline) for result in results.values()]) < -40


@EVERY_MIX
def test_running_mode_sounds_as_good(results, mix):
    def score(samples):
        return pesq(16_000, soxr.resample(mix.clean, RATE, 16_000), soxr.resample(samples, RATE, 16_000), "wb")

    assert score(results[mix].running) > score(results[mix].offline) - 0.03


@pytest.mark.parametrize("length", [1, 479, 480, 481, 960, 1440, 4801])
def test_parity_at_any_length(reference, denoiser, length):
    noisy = MIXES[5].noisy[RATE:][:length]
    np.testing.assert_allclose(cleaned(denoiser.stream(parity=True), noisy), reference.enhance(noisy), atol=1e-5)


@pytest.mark.parametrize("strength_db", [6, 12, 24, 100])
def test_strength_is_the_attenuation_limit_of_the_reference(reference, denoiser, strength_db):
    noisy = MIXES[2].noisy[:RATE]
    result = cleaned(denoiser.stream(parity=True, strength_db=strength_db), noisy)
    assert difference_db(result, reference.enhance(noisy, strength_db=strength_db)) < PARITY_DB


def test_the_constants_are_those_of_the_library(reference):
    assert tuple(reference.spectrum.erb_widths()) == spectrum.ERB_WIDTHS
    np.testing.assert_array_equal(reference.spectrum.fft_window(), spectrum.WINDOW)
    assert (reference.spectrum.fft_size(), reference.spectrum.hop_size()) == (spectrum.FRAME, spectrum.HOP)
