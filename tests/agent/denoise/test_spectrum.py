"""The constants of libDF, and that analysis and synthesis undo each other."""

import numpy as np

from agent.denoise.spectrum import (
    BAND_OF_FREQUENCY,
    BAND_STARTS,
    BANDS,
    BINS,
    ERB_WIDTHS,
    FREQUENCIES,
    HOP,
    WINDOW,
    Analysis,
    ParityFilter,
    RunningFilter,
    Synthesis,
)


def test_the_bands_cover_all_frequencies_once():
    assert sum(ERB_WIDTHS) == FREQUENCIES
    assert BANDS == 32
    assert list(np.diff([*BAND_STARTS, FREQUENCIES])) == list(ERB_WIDTHS)
    assert [int(np.sum(band == BAND_OF_FREQUENCY)) for band in range(BANDS)] == list(ERB_WIDTHS)


def test_overlapping_windows_add_up_to_one():
    np.testing.assert_allclose(WINDOW[:HOP] ** 2 + WINDOW[HOP:] ** 2, 1, atol=1e-6)


def test_synthesis_undoes_analysis():
    samples = np.random.default_rng(0).standard_normal((3, 20, HOP)).astype(np.float32)
    analysis, synthesis = Analysis(3), Synthesis(3)
    spectrum, result = np.empty((3, FREQUENCIES), np.complex64), np.empty_like(samples)
    for hop in range(20):
        analysis.spectrum(samples[:, hop], spectrum)
        synthesis.samples(spectrum, result[:, hop])
    np.testing.assert_allclose(result[:, 1:], samples[:, :-1], atol=2e-6)


def test_the_deep_filter_weighs_five_frames():
    """Filter tap j takes frame t - 2 + j; here the mask of all frames is 1."""
    rng = np.random.default_rng(1)
    frames = (rng.standard_normal((12, 2, FREQUENCIES)) + 1j * rng.standard_normal((12, 2, FREQUENCIES))).astype(np.complex64)
    taps = (rng.standard_normal((12, 2, 5, BINS)) + 1j * rng.standard_normal((12, 2, 5, BINS))).astype(np.complex64)
    ones = np.ones((2, BANDS), np.float32)
    for kind in (RunningFilter, ParityFilter):
        filter_ = kind(2)
        for newest in range(12):
            filter_.newest()[:] = frames[newest]
            # the network's result at this hop belongs to the frame two before
            noisy, clean = filter_.apply(ones, taps[newest - 2])
            t = newest - filter_.delay
            if t >= 2:
                expected = sum(frames[t - 2 + tap][:, :BINS] * taps[t][:, tap] for tap in range(5))
                np.testing.assert_array_equal(noisy, frames[t])
                np.testing.assert_allclose(clean[:, :BINS], expected, rtol=1e-4, atol=1e-5)
                np.testing.assert_array_equal(clean[:, BINS:], frames[t][:, BINS:])


def test_features_of_silence_stay_finite():
    analysis = Analysis(1)
    bands, bins = np.empty((1, BANDS), np.float32), np.empty((1, 2, BINS), np.float32)
    for _ in range(20_000):
        analysis.features(np.zeros((1, FREQUENCIES), np.complex64), bands, bins)
    assert np.isfinite(bands).all()
    np.testing.assert_array_equal(bins, 0)
    assert (analysis.bin_level > 1e-8).all()
