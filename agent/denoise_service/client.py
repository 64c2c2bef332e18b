"""The job's side of the denoising process: a stream like agent.denoise's whose hops are taken elsewhere while that works.

The job never waits. When a frame arrives, it fetches the result of the frame before and offers the new one, so the hand-over
costs one hop of delay, always: the stream is as late without the process as with it. A result that is not there in time (the
process is late, or dead) the job makes itself, from the state that lies in the slot: one hop of work, and the sound goes on as
if nothing had happened. When the process is there again, it gets the voice back in the same way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.denoise import Denoiser, Engine
from agent.denoise.spectrum import HOP, Floats
from agent.denoise.stream import sanitised
from agent.denoise_service.link import Link
from agent.denoise_service.shared_memory import Slot, slot_record

MAX_REST = 64
"""Hops for which the job keeps its voice after results that came too late one after the other."""
FAIR_NS = 8_000_000
"""Between two hops. On a busy machine some come later and the next ones sooner: that is no fault of the process."""
_NOTHING = np.empty(0, np.float32)


class SharedDenoiser:
    """`Denoiser` for a process with one voice, whose hops the machine's denoising process takes when it can."""

    def __init__(self, denoiser: Denoiser, address: bytes) -> None:
        """`address`: of the process' socket, see agent.denoise_service.link."""
        self._denoiser = denoiser
        self._address = address
        self._link: Link | None = None

    def stream(self, *, strength_db: float) -> SharedStream:
        """A new voice; one made before must not be fed any more."""
        engine = self._denoiser.engine(1)
        self.close()
        self._link = Link(self._address, slot_record(engine.voice(0)))
        return SharedStream(engine, self._link, strength_db=strength_db)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class SharedStream:
    """One voice. Fed hop by hop; otherwise like `DenoiserStream`, a hop later. Not thread-safe."""

    def __init__(
        self,
        engine: Engine,
        link: Link,
        *,
        strength_db: float,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`engine`: of this stream alone, with a fresh voice. `clock`: ns."""
        self._engine = engine
        self._link = link
        self._clock = clock
        self.latency_samples: int = (engine.delay_hops + 2) * HOP
        self._leading = engine.delay_hops  # results that belong to the time before the stream
        self._last: Floats | None = None  # the hop before
        self._last_ns = 0  # and when it came
        self._slot: Slot | None = None  # while the process has the voice
        self._rest = 0  # hops until it may have it
        self._next_rest = 0
        self._lsnr_db = engine.lsnr_db(0)
        self.own_hops = 0
        """Made by this job."""
        self._strength_db = _checked(strength_db)
        engine.set_strength(0, strength_db, at_once=True)

    @property
    def strength_db(self) -> float:
        """See `DenoiserStream`."""
        return self._strength_db

    @strength_db.setter
    def strength_db(self, value: float) -> None:
        self._strength_db = _checked(value)
        self._engine.set_strength(0, value)

    @property
    def lsnr(self) -> float:
        """See `DenoiserStream`."""
        return self._lsnr_db

    @property
    def shared(self) -> bool:
        """Does the process have the voice now?"""
        return self._slot is not None

    def feed(self, samples: NDArray[np.float32]) -> Floats:
        """A hop (480 samples, 48 kHz, -1 to 1) -> the cleaned hop of 50 ms ago, or nothing in the first 40 ms."""
        if samples.shape != (HOP,):
            raise ValueError(f"samples have shape {samples.shape}, not ({HOP},)")
        now_ns = self._clock()
        hop = sanitised(samples)
        cleaned = self._cleaned(now_ns)
        if self._slot is None:
            self._hand_over()
        if self._slot is not None:
            self._slot.offer(hop, self._strength_db, now_ns)
        self._last, self._last_ns = hop, now_ns
        return cleaned

    def _cleaned(self, now_ns: int) -> Floats:
        """The result of the hop before."""
        if self._last is None:
            return _NOTHING
        result = self._fetched(self._slot, now_ns) if self._slot is not None else None
        if result is None:
            result = self._engine.step(self._last[None])[0]
            self._lsnr_db = self._engine.lsnr_db(0)
            self.own_hops += 1
        if self._leading:
            self._leading -= 1
            return _NOTHING
        return np.clip(result, -1, 1)

    def _fetched(self, slot: Slot, now_ns: int) -> Floats | None:
        """Return the result of the process, or None when it was not in time; the voice is this job's again then."""
        if slot.idle:
            self._lsnr_db = slot.lsnr_db
            self._next_rest = max(0, self._next_rest - 1)
            return slot.result()
        slot.take_back(self._engine)
        self._engine.set_strength(0, self._strength_db)
        self._slot = None
        if now_ns - self._last_ns >= FAIR_NS:
            self._rest = self._next_rest
            self._next_rest = min(2 * self._next_rest + 1, MAX_REST)
        return None

    def _hand_over(self) -> None:
        """Gives the voice to the process, if it is there and not busy with what it got before."""
        slot = self._link.slot()
        if self._rest > 0:
            self._rest -= 1
        elif slot is not None and slot.idle:
            slot.give(self._engine)
            self._slot = slot


def _checked(strength_db: float) -> float:
    if math.isnan(strength_db) or strength_db < 0:
        raise ValueError(f"strength_db is {strength_db!r}, not a number of dB from 0 up")
    return strength_db
