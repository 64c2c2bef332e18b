"""One voice on its way through the noise remover, and what is heard while it cannot be cleaned: the original, delayed by the same
time, or silence.

Knows nothing of LiveKit, files or clocks; a frame goes in, a frame comes out, always.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np

from agent.voice.frames import FRAME, DelayLine, Float32, Int16, Ramp, to_float, to_int16
from agent.voice.meters import LevelMeter, NoiseMeter, power

logger = logging.getLogger(__name__)

FADE_S = 0.020
WARM_UP_FRAMES = 50
"""Frames that a new denoising stream gets before it is heard: its normalisation and its memory start from nothing."""

MIN_REST_FRAMES = 100
MAX_REST_FRAMES = 3_000

OVERLOAD = "overload"
FAILURE = "noise remover failed"
CHOSEN = "original sound chosen"
SILENCED = "silence instead"

_SILENCE: Float32 = np.zeros(FRAME, dtype=np.float32)


class StreamLike(Protocol):
    """Declares what this module needs of agent.denoise.DenoiserStream."""

    strength_db: float

    latency_samples: int

    def feed(self, samples: Float32) -> Float32: ...


class DenoiserLike(Protocol):
    """Declares what this module needs of agent.denoise.Denoiser."""

    def stream(self, *, strength_db: float) -> StreamLike: ...


class CleanVoice:
    """Cleans frame by frame. Fades to the delay-matched original while it must not clean (`bypass`), is too slow (`overloaded`)
    or the model fails; a failed model is tried again after 1 s, then 2 s, up to 30 s."""

    def __init__(self, denoiser: DenoiserLike, *, strength_db: float, never_original: bool = False) -> None:
        """`never_original`: silence instead, unless the original was chosen (`bypass`)."""
        self._denoiser = denoiser
        self._never_original = never_original
        self._strength_db = strength_db
        self._stream: StreamLike | None = denoiser.stream(strength_db=strength_db)
        self.latency_samples = self._stream.latency_samples
        # For every frame that goes in one comes out, so the last frame of the latency is the one that is being filled.
        self._line = DelayLine(self.latency_samples - FRAME)
        self._ramp = Ramp(FADE_S, at=1.0)  # share of the clean sound
        self._opening = Ramp(FADE_S, at=0.0 if never_original else 1.0)  # share of the original in what else is heard
        self._input: Float32 = np.zeros(FRAME, dtype=np.float32)
        self._original: Float32 = np.zeros(FRAME, dtype=np.float32)
        self._offset = np.float32(0)  # clean minus what else would be heard, at the last sample that was cleaned
        self._trouble: str | None = None
        self._warm_up = 0  # frames until the present stream may be heard
        self._rest = 0  # frames until the next try after a failure
        self._next_rest = MIN_REST_FRAMES
        self.bypass = False
        self.overloaded = False
        self.level = LevelMeter()
        self.noise = NoiseMeter()

    @property
    def strength_db(self) -> float:
        return self._strength_db

    @strength_db.setter
    def strength_db(self, value: float) -> None:
        self._strength_db = value
        if self._stream is not None:
            self._stream.strength_db = value

    @property
    def paused(self) -> str | None:
        """Why the voice is not cleaned, as a text for people; None while it is."""
        if self._trouble is not None:
            return f"{self._trouble}, {SILENCED}" if self.silenced else self._trouble
        return CHOSEN if self.bypass else None

    @property
    def silenced(self) -> bool:
        """Whether silence is heard, because the voice cannot be cleaned and the original must not be heard."""
        return self._trouble is not None and self._never_original and not self.bypass

    def process(self, samples: Int16, out: Int16) -> Int16:
        """Takes a frame, fills `out` with the frame to be heard, and returns the original of the same moment."""
        original = self._line.shift(samples)
        to_float(samples, self._input)
        to_float(original, self._original)
        clean = self._clean()
        self._ramp.target = 0.0 if self.paused else 1.0
        self._opening.target = 0.0 if self._never_original and not self.bypass else 1.0
        self._mix(original, clean, out)
        self.level.add(power(self._input))
        return original

    def _mix(self, original: Int16, clean: Float32 | None, out: Int16) -> None:
        original_power = power(self._original)
        instead = self._instead()
        if self._ramp.is_resting and self._ramp.value == 0.0:
            if instead is self._original:
                out[:] = original
            else:
                to_int16(instead, out)
            self.noise.add(original_power, power(instead))
            return
        if clean is None:
            # The model died between two frames. All that is left to fade out is its last distance from the original.
            clean = instead + self._offset
        else:
            self._offset = clean[-1] - instead[-1]
        heard = clean
        if not self._ramp.is_resting:
            heard = instead + self._ramp.next() * (clean - instead)
        to_int16(heard, out)
        self.noise.add(original_power, power(heard))

    def _instead(self) -> Float32:
        """Returns what is heard where the clean sound is not."""
        if not self._opening.is_resting:
            return self._original * self._opening.next()
        return self._original if self._opening.value else _SILENCE

    def _clean(self) -> Float32 | None:
        """Returns the cleaned frame that belongs to the present original; None when there is none."""
        if self.overloaded:
            self._trouble = OVERLOAD
            if self._ramp.is_resting and self._ramp.value == 0.0:
                self._stream = None
        elif self._stream is None:
            self._rest -= 1
            if self._rest <= 0:
                self._begin()
        if self._stream is None:
            return None
        return self._feed(self._stream)

    def _begin(self) -> None:
        try:
            self._stream = self._denoiser.stream(strength_db=self._strength_db)
        except Exception:
            self._failed()
            return
        self._warm_up = WARM_UP_FRAMES

    def _feed(self, stream: StreamLike) -> Float32 | None:
        try:
            ready = stream.feed(self._input)
            if not np.isfinite(ready).all():
                raise ArithmeticError("the model returned numbers that are no sound")
        except Exception:
            # Whatever goes wrong in the engine, friends hear the original and not silence.
            self._failed()
            return None
        self._warmed()
        return ready if len(ready) else _SILENCE  # a stream begins with nothing, like the delay line

    def _warmed(self) -> None:
        if self._warm_up > 0:
            self._warm_up -= 1
        elif self._trouble is not None and not self.overloaded:
            self._trouble = None
        elif self._trouble is None:
            self._next_rest = max(MIN_REST_FRAMES, self._next_rest - 1)  # forgiven bit by bit while it works

    def _failed(self) -> None:
        logger.exception("The noise remover failed", extra={"next_try_s": self._next_rest / 100})
        self._stream = None
        self._trouble = FAILURE
        self._rest = self._next_rest
        self._next_rest = min(2 * self._next_rest, MAX_REST_FRAMES)
