"""Music on its way through the noise remover: unchanged, at once, with both channels. Noise removal is made for speech.

`PassThrough` offers what agent.live asks of agent.voice.clean_voice.CleanVoice, so meters, recording and lateness work alike.
"""

from __future__ import annotations

import numpy as np

from agent.voice.frames import FRAME, Float32, Int16, to_float
from agent.voice.meters import LevelMeter, NoiseMeter, power


class PassThrough:
    """Passes frames on unchanged, and shows their level."""

    latency_samples = 0
    paused: str | None = None
    silenced = False

    def __init__(self) -> None:
        # These may be set, and change nothing: nothing is removed, and passing a frame on is never too slow.
        self.strength_db = 0.0
        self.bypass = False
        self.overloaded = False
        self.level = LevelMeter()
        self.noise = NoiseMeter()  # reads 0 dB: no frame is ever added
        self._mixed: Float32 = np.zeros(FRAME, dtype=np.float32)

    def process(self, samples: Int16, out: Int16) -> Int16:
        """Takes a frame, [FRAME, 2], fills `out` with the frame to be heard, and returns the original of the same moment."""
        out[:] = samples
        to_float(samples.mean(axis=1, dtype=np.float32), self._mixed)
        self.level.add(power(self._mixed))
        return samples
