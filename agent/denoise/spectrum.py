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
"""Frames under the deep filter: two before, the one itself, two after."""

# Frequencies in each of the 32 ERB bands, at least 2 (libDF `erb_fb`, sum 481).
ERB_WIDTHS = (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67)
BANDS = len(ERB_WIDTHS)
BAND_STARTS = np.concatenate(([0], np.cumsum(ERB_WIDTHS)[:-1]))
BAND_OF_FREQUENCY = np.repeat(np.arange(BANDS), ERB_WIDTHS)

FORGET = np.float32(0.99)
"""Kept share of the running means per hop: exp(-10 ms / 1 s), rounded to two digits as df does."""
LEVEL_FLOOR = np.float32(1e-14)
"""Least power of a bin: keeps its running level off zero in digital silence, where libDF would divide by zero."""


_POSITION = (np.arange(FRAME) + 0.5) / FRAME
WINDOW = np.sin(0.5 * np.pi * np.sin(np.pi * _POSITION) ** 2).astype(np.float32)
"""Vorbis window, power complementary at 50 % overlap."""
ANALYSIS_WINDOW = WINDOW / np.float32(FRAME)  # the scale of libDF: analysis divides by the frame, synthesis does not


class Analysis:
    """Samples to spectrum and features."""

    def __init__(self, voices: int) -> None:
        self.last_hop = np.zeros((voices, HOP), np.float32)
        self.band_mean = np.tile(np.linspace(-60, -90, BANDS, dtype=np.float32), (voices, 1))      # dB
        self.bin_level = np.tile(np.linspace(0.001, 0.0001, BINS, dtype=np.float32), (voices, 1))  # magnitude
        self.memory = [self.last_hop, self.band_mean, self.bin_level]
        self._frame = np.empty((voices, FRAME), np.float32)
        self._power = np.empty((voices, FREQUENCIES), np.float32)
        self._square = np.empty((voices, FREQUENCIES), np.float32)

    def spectrum(self, hops: Floats, out: Complexes) -> None:
        """The frame that ends with `hops` [B, 480] -> `out` [B, 481]."""
        frame = self._frame
        np.multiply(self.last_hop, ANALYSIS_WINDOW[:HOP], out=frame[:, :HOP])
        np.multiply(hops, ANALYSIS_WINDOW[HOP:], out=frame[:, HOP:])
        self.last_hop[:] = hops
        out[:] = np.fft.rfft(frame)

    def features(self, spectrum: Complexes, bands: Floats, bins: Complexes) -> None:
        """Normalised band levels -> `bands` [B, 32] and normalised bins -> `bins` [B, 96]."""
        power = np.square(spectrum.real, out=self._power)
        power += np.square(spectrum.imag, out=self._square)
        level = np.add.reduceat(power, BAND_STARTS, axis=1)
        level *= _INVERSE_WIDTHS
        level += np.float32(1e-10)
        np.log10(level, out=level)
        level *= np.float32(10)
        _move_mean(self.band_mean, level)
        np.subtract(level, self.band_mean, out=bands)
        bands *= np.float32(1 / 40)

        magnitude = np.maximum(power[:, :BINS], LEVEL_FLOOR)
        np.sqrt(magnitude, out=magnitude)
        _move_mean(self.bin_level, magnitude)
        np.divide(spectrum[:, :BINS], np.sqrt(self.bin_level), out=bins)


_INVERSE_WIDTHS = (1 / np.array(ERB_WIDTHS)).astype(np.float32)


def _move_mean(mean: Floats, new: Floats) -> None:
    mean *= FORGET
    mean += new * (1 - FORGET)


class Synthesis:
    """Spectrum to samples: inverse transform, window, overlap-add."""

    def __init__(self, voices: int) -> None:
        self.overlap = np.zeros((voices, HOP), np.float32)
        self.memory = [self.overlap]

    def samples(self, spectrum: Complexes, out: Floats) -> None:
        """[B, 481] -> `out` [B, 480], the first half of that frame."""
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
        """[B, 481], to be filled with the newest spectrum before `apply`; replaces the oldest one."""

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        """Gains [B, 32] and filters [B, 96, 5] of the frame two before the newest -> noisy and clean spectrum [B, 481] of the
        frame `delay` before the newest. Both are valid until the next hop; the clean one may be overwritten by the caller."""


class RunningFilter:
    """40 ms in all. The deep filter reaches two frames ahead, whose masks are not known yet: this frame's stands in for them."""

    delay = 2

    def __init__(self, voices: int) -> None:
        self._spectra = [np.zeros((voices, FREQUENCIES), np.complex64) for _ in range(3)]  # frames t, t + 1, t + 2
        self._masked = [np.zeros((voices, BINS), np.complex64) for _ in range(2)]          # frames t - 2, t - 1
        self._clean = np.empty((voices, FREQUENCIES), np.complex64)

    @property
    def memory(self) -> list[NDArray[np.generic]]:
        return [*self._spectra, *self._masked]

    def newest(self) -> Complexes:
        self._spectra = [*self._spectra[1:], self._spectra[0]]
        return self._spectra[2]

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        gains = mask[:, BAND_OF_FREQUENCY]
        noisy, ahead_1, ahead_2 = self._spectra
        clean = np.multiply(noisy, gains, out=self._clean)
        low = gains[:, :BINS]
        before_2, before_1 = self._masked
        masked = clean[:, :BINS].copy()
        clean[:, :BINS] = _deep_filter((before_2, before_1, masked, ahead_1[:, :BINS] * low, ahead_2[:, :BINS] * low), filters)
        self._masked = [before_1, masked]
        return noisy, clean


class ParityFilter:
    """60 ms in all, and equal to the offline network: waits for the masks of the two frames ahead."""

    delay = 4

    def __init__(self, voices: int) -> None:
        shape = (voices, FREQUENCIES)
        self._spectra = [np.zeros(shape, np.complex64) for _ in range(5)]                         # frames t - 2 to t + 2
        self._masked = [np.zeros(shape, np.complex64) for _ in range(5)]                          # frames t - 4 to t
        self._filters = [np.zeros((voices, BINS, TAPS), np.complex64) for _ in range(3)]          # frames t - 2 to t
        self._clean = np.empty(shape, np.complex64)

    @property
    def memory(self) -> list[NDArray[np.generic]]:
        return [*self._spectra, *self._masked, *self._filters]

    def newest(self) -> Complexes:
        self._spectra = [*self._spectra[1:], self._spectra[0]]
        return self._spectra[4]

    def apply(self, mask: Floats, filters: Complexes) -> tuple[Complexes, Complexes]:
        self._masked = [*self._masked[1:], self._masked[0]]
        np.multiply(self._spectra[2], mask[:, BAND_OF_FREQUENCY], out=self._masked[4])
        self._filters = [*self._filters[1:], self._filters[0]]
        self._filters[2][:] = filters
        self._clean[:] = self._masked[2]
        self._clean[:, :BINS] = _deep_filter([masked[:, :BINS] for masked in self._masked], self._filters[0])
        return self._spectra[0], self._clean


def _deep_filter(frames: tuple[Complexes, ...] | list[Complexes], filters: Complexes) -> Complexes:
    """Five masked frames [B, 96] under a filter [B, 96, 5], oldest first."""
    total = frames[0] * filters[:, :, 0]
    for tap in range(1, TAPS):
        total += frames[tap] * filters[:, :, tap]
    return total
