"""One voice, fed with any number of samples at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.denoise.engine import NO_LIMIT_DB, Engine
from agent.denoise.spectrum import FRAME, HOP, Floats

_NOTHING = np.empty(0, np.float32)


class DenoiserStream:
    """Cleans one voice. A new object per stream; there is no reset. Not thread-safe.

    The results of `feed` and of the final `flush`, put together, are as long as the input and aligned with it: sample n of the
    output is the cleaned sample n of the input. They come late: the network works on hops of 480 samples and looks ahead, so
    after N samples fed, `N - N % 480 - (latency_samples - 480)` have come out (none, where that is negative). A sample that goes
    in comes out `latency_samples` later at most; a caller who feeds hop by hop gets nothing for the first
    `latency_samples / 480 - 1` hops, and then one hop for each.
    """

    def __init__(self, engine: Engine, *, strength_db: float = NO_LIMIT_DB) -> None:
        """`engine`: this stream's own, without voices."""
        self._engine = engine
        engine.join()
        self.latency_samples: int = (engine.delay_hops + 1) * HOP
        self._waiting = np.zeros(HOP, np.float32)  # the hop that is being filled
        self._waiting_length = 0
        self._leading = engine.delay_hops * HOP  # samples still to come out that belong to the time before the stream
        self._fed = 0
        self._given = 0
        self._flushed = False
        self._set_strength(strength_db, at_once=True)

    @property
    def strength_db(self) -> float:
        """How far noise is lowered at most, in dB, from 0 (the sound as it came) to 100 (no limit). A change takes 0.1 s."""
        return self._strength_db

    @strength_db.setter
    def strength_db(self, value: float) -> None:
        self._set_strength(value, at_once=False)

    def _set_strength(self, value: float, *, at_once: bool) -> None:
        if math.isnan(value) or value < 0:
            raise ValueError(f"strength_db is {value!r}, not a number of dB from 0 up")
        self._strength_db = value
        self._engine.set_strength(0, value, at_once=at_once)

    @property
    def lsnr(self) -> float:
        """Local SNR that the network sees in the newest hop, -15 to 35 dB. More noise reads lower; the dB are not exact."""
        return self._engine.lsnr_db(0)

    def feed(self, samples: NDArray[np.float32]) -> Floats:
        """Takes any number of samples (1-D, 48 kHz, -1 to 1). Returns the cleaned samples that are ready, maybe none.

        What is not finite becomes 0 and what is outside of -1 to 1 is clipped, so that one bad frame cannot spoil the state.
        """
        if self._flushed:
            raise ValueError("this stream has been flushed; take a new one")
        if samples.ndim != 1:
            raise ValueError(f"samples have shape {samples.shape}, not one dimension")
        self._fed += len(samples)
        return self._take(sanitised(samples))

    def flush(self) -> Floats:
        """Ends the stream. Returns the rest: all samples fed and not yet given back."""
        if self._flushed:
            raise ValueError("this stream has been flushed already")
        self._flushed = True
        silence = np.zeros(HOP, np.float32)
        parts = [self._take(silence[: (HOP - self._waiting_length) % HOP])]
        # The offline network sees one frame of silence behind the end and knows nothing of the time after it.
        parts += [self._take(silence) for _ in range(FRAME // HOP if self._fed % HOP == 0 else FRAME // HOP - 1)]
        self._engine.end(0)
        parts += [self._take(silence) for _ in range(self._engine.delay_hops)]
        rest = np.concatenate(parts)
        return rest[: self._fed - (self._given - len(rest))]

    def _take(self, samples: Floats) -> Floats:
        """Fills hops and steps the engine for each; what is left waits."""
        parts = []
        start = 0
        while len(samples) - start >= HOP - self._waiting_length:
            end = start + HOP - self._waiting_length
            self._waiting[self._waiting_length :] = samples[start:end]
            parts.append(self._step())
            start = end
            self._waiting_length = 0
        rest = samples[start:]
        self._waiting[self._waiting_length : self._waiting_length + len(rest)] = rest
        self._waiting_length += len(rest)
        return np.concatenate(parts) if parts else _NOTHING

    def _step(self) -> Floats:
        """Sends the waiting hop through the engine. Returns its result without the part before the stream began."""
        cleaned = self._engine.step(self._waiting[None])[0]
        ready: Floats = np.clip(cleaned[self._leading :], -1, 1)
        self._leading = max(0, self._leading - HOP)
        self._given += len(ready)
        return ready


def sanitised(samples: NDArray[np.float32]) -> Floats:
    """Makes samples finite and clips them to -1 to 1."""
    finite = np.isfinite(samples)
    if not finite.all():
        samples = np.where(finite, samples, 0)
    clipped: Floats = np.clip(samples, -1, 1).astype(np.float32, copy=False)
    return clipped
