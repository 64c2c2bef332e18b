"""Short-time spectrum, features and filtering of B voices at once: all that DeepFilterNet2 needs around its network, in numpy.

Numbers and order of operations are those of libDF (the Rust library behind deepfilternet 0.5.6), so that the features equal those
the network was trained with. One frame is 20 ms (960 samples, Vorbis window), a hop is 10 ms; frame t covers hops t - 1 and t.

Every class keeps its memory in arrays whose first axis is the voice, and lists them in `memory`, oldest first where there is an
order: the engine moves voices in and out by copying rows. Work space that carries nothing from hop to hop is not memory.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

SAMPLE_RATE = 48_000
HOP = 480
FRAME = 2 * HOP
FREQUENCIES = FRAME // 2 + 1
BINS = 96
"""Frequencies, from 0 Hz up, that the deep filter works on (to 4.8 kHz); above it there is only the mask."""
TAPS = 5
"""Frames that the deep filter reaches over: two before, the one itself, two after."""

# Frequencies in each of the 32 ERB bands, at least 2 (libDF `erb_fb`, sum 481).
ERB_WIDTHS = (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67)
BANDS = len(ERB_WIDTHS)
BAND_STARTS = np.concatenate(([0], np.cumsum(ERB_WIDTHS)[:-1]))
BAND_OF_FREQUENCY = np.repeat(np.arange(BANDS), ERB_WIDTHS)

FORGET = np.float32(0.99)
"""Share of a running mean that is kept per hop: exp(-10 ms / 1 s), rounded to two digits as df does."""
MIN_MAGNITUDE = np.float32(1e-7)
"""Lower bound of a bin: keeps its running level off zero in digital silence, where libDF would come to divide by zero."""


_POSITION = (np.arange(FRAME) + 0.5) / FRAME
WINDOW = np.sin(0.5 * np.pi * np.sin(np.pi * _POSITION) ** 2).astype(np.float32)
"""Vorbis window, power complementary at 50 % overlap."""
ANALYSIS_WINDOW = WINDOW / np.float32(FRAME)  # the scale of libDF: analysis divides by the frame, synthesis does not


class Analysis:
    """Turns samples into spectrum and features."""

    def __init__(self, voices: int) -> None:
        self.last_hop = np.zeros((voices, HOP), np.float32)
        self.band_mean = np.tile(np.linspace(-60, -90, BANDS, dtype=np.float32), (voices, 1))  # dB
        self.bin_level = np.tile(np.linspace(0.001, 0.0001, BINS, dtype=np.float32), (voices, 1))  # magnitude
        self.memory = [self.last_hop, self.band_mean, self.bin_level]
        self._frame = np.empty((voices, FRAME), np.float32)
        self._magnitude = np.empty((voices, FREQUENCIES), np.float32)
        self._power = np.empty((voices, FREQUENCIES), np.float32)
        self._root = np.empty((voices, BINS), np.float32)
        self._change = np.empty((voices, BINS), np.float32)

    def spectrum(self, hops: Floats, out: Complexes) -> None:
        """Puts the spectrum of the frame that ends with `hops` [B, 480] into `out` [B, 481]."""
        frame = self._frame
        np.multiply(self.last_hop, ANALYSIS_WINDOW[:HOP], out=frame[:, :HOP])
        np.multiply(hops, ANALYSIS_WINDOW[HOP:], out=frame[:, HOP:])
        self.last_hop[:] = hops
        out[:] = np.fft.rfft(frame)

    def features(self, spectrum: Complexes, bands: Floats, bins: Floats) -> None:
        """Puts normalised band levels into `bands` [B, 32] and normalised bins into `bins` [B, re/im, 96]."""
        magnitude = np.abs(spectrum, out=self._magnitude)
        level = np.add.reduceat(np.square(magnitude, out=self._power), BAND_STARTS, axis=1)
        level *= _INVERSE_WIDTHS
        level += np.float32(1e-10)
        np.log10(level, out=level)
        level *= np.float32(10)
        _move_mean(self.band_mean, level, self._change[:, :BANDS])
        level -= self.band_mean
        np.multiply(level, np.float32(1 / 40), out=bands)

        low = np.maximum(magnitude[:, :BINS], MIN_MAGNITUDE, out=self._root)
        _move_mean(self.bin_level, low, self._change)
        root = np.sqrt(self.bin_level, out=self._root)
        np.divide(spectrum.real[:, :BINS], root, out=bins[:, 0])
        np.divide(spectrum.imag[:, :BINS], root, out=bins[:, 1])


_INVERSE_WIDTHS = (1 / np.array(ERB_WIDTHS)).astype(np.float32)


def _move_mean(mean: Floats, new: Floats, work: Floats) -> None:
    mean *= FORGET
    mean += np.multiply(new, 1 - FORGET, out=work)


class Synthesis:
    """Turns spectra into samples: inverse transform, window, overlap-add."""

    def __init__(self, voices: int) -> None:
        self.overlap = np.zeros((voices, HOP), np.float32)
        self.memory = [self.overlap]

    def samples(self, spectrum: Complexes, out: Floats) -> None:
        """Takes a spectrum [B, 481] and puts the first half of its frame into `out` [B, 480]."""
        frame = np.fft.irfft(spectrum, FRAME, norm="forward")
        np.multiply(frame[:, :HOP], WINDOW[:HOP], out=out, casting="same_kind")
        out += self.overlap
        np.multiply(frame[:, HOP:], WINDOW[HOP:], out=self.overlap, casting="same_kind")


class Filter(Protocol):
    """Applies the network's masks and filters to the spectra it keeps."""

    delay: int
    """Frames between the newest spectrum and the one that `apply` returns."""

    @property
    def memory(self) -> list[NDArray[np.generic]]: ...

    def newest(self) -> Complexes:
        """Returns the array [B, 481] to fill with the newest spectrum before `apply`; it replaces the oldest one."""

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        """Takes gains [B, 32] and filters [B, 5, 96] of the frame two before the newest. Returns noisy and clean spectrum
        [B, 481] of the frame `delay` before the newest, valid until the next hop; the caller may overwrite the clean one."""


class RunningFilter:
    """Filters with 40 ms of latency in all. The deep filter reaches two frames ahead, whose masks are not known yet: this frame's
    mask stands in for them."""

    delay = 2

    def __init__(self, voices: int) -> None:
        self._spectra = [np.zeros((voices, FREQUENCIES), np.complex64) for _ in range(3)]  # frames t, t + 1, t + 2
        self._masked = np.zeros((voices, TAPS, BINS), np.complex64)  # frames t - 2 to t + 2
        self._gains = np.empty((voices, FREQUENCIES), np.float32)
        self._clean = np.empty((voices, FREQUENCIES), np.complex64)

    @property
    def memory(self) -> list[NDArray[np.generic]]:
        return [*self._spectra, self._masked]

    def newest(self) -> Complexes:
        self._spectra = [*self._spectra[1:], self._spectra[0]]
        return self._spectra[2]

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        gains = np.take(mask, BAND_OF_FREQUENCY, axis=1, out=self._gains, mode="clip")
        masked = self._masked
        masked[:, :2] = masked[:, 1:3]
        for ahead, spectrum in enumerate(self._spectra):
            np.multiply(spectrum[:, :BINS], gains[:, :BINS], out=masked[:, 2 + ahead])
        noisy, clean = self._spectra[0], self._clean
        np.multiply(noisy[:, BINS:], gains[:, BINS:], out=clean[:, BINS:])
        _deep_filter(masked, filters, clean[:, :BINS])
        return noisy, clean


class ParityFilter:
    """Filters with 60 ms of latency in all, equal to the offline network: waits for the masks of the two frames ahead."""

    delay = 4

    def __init__(self, voices: int) -> None:
        shape = (voices, FREQUENCIES)
        self._spectra = [np.zeros(shape, np.complex64) for _ in range(5)]  # frames t to t + 4
        self._masked = np.zeros((voices, TAPS, FREQUENCIES), np.complex64)  # frames t - 2 to t + 2
        self._filters = [np.zeros((voices, TAPS, BINS), np.complex64) for _ in range(3)]  # frames t to t + 2
        self._clean = np.empty(shape, np.complex64)

    @property
    def memory(self) -> list[NDArray[np.generic]]:
        return [*self._spectra, self._masked, *self._filters]

    def newest(self) -> Complexes:
        self._spectra = [*self._spectra[1:], self._spectra[0]]
        return self._spectra[4]

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        masked = self._masked
        masked[:, :-1] = masked[:, 1:]
        np.multiply(self._spectra[2], mask[:, BAND_OF_FREQUENCY], out=masked[:, -1])
        self._filters = [*self._filters[1:], self._filters[0]]
        self._filters[2][:] = filters
        self._clean[:, BINS:] = masked[:, 2, BINS:]
        _deep_filter(masked[:, :, :BINS], self._filters[0], self._clean[:, :BINS])
        return self._spectra[0], self._clean


def _deep_filter(frames: Complexes, filters: Complexes, out: Complexes) -> None:
    """Applies a filter [B, 5, 96] to five masked frames [B, 5, 96], oldest first, and puts the result into `out` [B, 96]."""
    np.einsum("btf,btf->bf", frames, filters, out=out)
