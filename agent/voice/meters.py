"""What the broadcaster's page shows: the level of the microphone, and how much noise was removed.

The powers are added up for many voices at once, where the sound is; here they are turned into dB, some times a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.voice.frames import FRAME, Float32

Decibels = NDArray[np.float64]
Powers = NDArray[np.float32]

_QUIETEST = 1e-10  # -100 dBFS, where the level meter ends
_NOTHING_TO_REMOVE = 1e-8  # -80 dBFS: a silent room, or a muted microphone
_CLEAN_FLOOR = 1e-9  # -90 dBFS: below the last of 16 bits, how much was removed has no meaning

NOISE_FRAMES = 300
"""How far back the noise meter looks: 3 s."""
_MIN_FRAMES = NOISE_FRAMES // 4


def powers(frames: Float32) -> Float32:
    """Returns the mean squares of frames, [..., FRAME] -> [...]; 1.0 is 0 dBFS of a square wave."""
    mean_squares: Float32 = np.einsum("...s,...s->...", frames, frames) / np.float32(FRAME)
    return mean_squares


def levels_db(mean_powers: NDArray[np.float32] | NDArray[np.float64]) -> Decibels:
    """Returns levels in dBFS, not below -100."""
    levels: Decibels = 10 * np.log10(np.maximum(mean_powers, _QUIETEST, dtype=np.float64))
    return levels


def removed_db(original: Powers, clean: Powers, frames: NDArray[np.int64]) -> Decibels:
    """Returns how much lower the noise of each voice is after cleaning, in dB: the ratio of energies over the pauses.

    Takes the powers of the newest frames, [voices, NOISE_FRAMES], in any order: of the delay-matched originals and of what was
    made of them. `frames`: how many there have been of each voice; a voice that has just begun reads 0. The pauses are the
    quietest quarter of the frames that came in. The encoder's own estimate (lsnr) is not used: it is a clamped training target,
    where this reads 12 dB when the attenuation limit is 12 dB.
    """
    filled = np.minimum(frames, NOISE_FRAMES)[:, None]
    number = np.arange(NOISE_FRAMES)
    quietest_first = np.argsort(np.where(number < filled, original, np.inf), axis=1)
    pauses = number <= filled // 4
    before = np.take_along_axis(original, quietest_first, axis=1).mean(axis=1, where=pauses)
    after = np.take_along_axis(clean, quietest_first, axis=1).mean(axis=1, where=pauses)
    known = (filled[:, 0] >= _MIN_FRAMES) & (before >= _NOTHING_TO_REMOVE)
    ratio = np.where(known, before, 1.0) / np.where(known, np.maximum(after, _CLEAN_FLOOR), 1.0)
    removed: Decibels = np.maximum(0.0, 10 * np.log10(ratio, dtype=np.float64))
    return removed
