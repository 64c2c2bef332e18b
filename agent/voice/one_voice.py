"""A single voice, cleaned on the caller's thread: this machine's microphone on the command line, and the samples."""

from __future__ import annotations

import numpy as np

from agent.denoise import Denoiser
from agent.voice.clean_voices import CleanVoices
from agent.voice.frames import Int16

_ROW = np.zeros(1, np.intp)


class OneVoice:
    """Cleans frame by frame, as the desk does it for many."""

    def __init__(self, denoiser: Denoiser, *, strength_db: float) -> None:
        self._voices = CleanVoices(denoiser.engine())
        self._voices.join(strength_db=strength_db)
        self.latency_samples = self._voices.latency_samples

    def process(self, frame: Int16) -> tuple[Int16, Int16]:
        """Takes a frame. Returns the frame to be heard, and the original of the same moment."""
        heard, originals = self._voices.process(_ROW, frame[None])
        return heard[0], originals[0]

    def read_meters(self) -> tuple[float, float]:
        """Returns the level of what came in since the last reading, in dBFS, and how much of the noise was removed in the last
        3 s, in dB."""
        levels, removed = self._voices.read_meters(_ROW)
        return float(levels[0]), float(removed[0])
