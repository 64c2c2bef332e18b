"""The memory in which a job and the denoising process hand one voice's sound to each other: a slot.

The job offers hop n and the process answers it; both count, and each count has one writer:

    job:      hop n, arrived, strength  -> offered = n + 1
    process:  result n, state after n   -> answered = n + 1

A slot has two sides, and hop n uses side n % 2. The state before hop n lies on side n % 2 as well, so the process reads one side
and writes the other: whenever it dies, the state from which the job can go on is whole. The job may write a state (to hand its
voice over) only while `answered == offered`, for then the process does not touch the slot.

The memory is anonymous (memfd) and its size is sealed: it is gone with the last process that has it, and nobody can shrink it
under another's feet. A job maps its own slot and nothing else.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.denoise import Engine, VoiceState
from agent.denoise.spectrum import HOP

SIDES = 2
_CACHE_LINE = 64
Record = np.dtype[np.void]
"""Of a slot: which field lies where."""


def slot_record(voice: VoiceState) -> Record:
    """What one slot is made of, for voices like this one."""
    state = np.dtype([(f"{number}", array.dtype, array.shape) for number, array in enumerate(voice.arrays)], align=True)
    fields: list[tuple[str, Any, int]] = [
        # Written by the job.
        ("offered", np.int64, 0),  # hops
        ("arrived_ns", np.int64, 8),  # CLOCK_MONOTONIC, of the newest hop
        ("missed", np.int64, 16),  # hops whose answer was not there in time
        ("strength_db", np.float64, 24),
        ("hops", (np.float32, (SIDES, HOP)), 2 * _CACHE_LINE),
    ]
    at = 2 * _CACHE_LINE + SIDES * HOP * 4
    fields += [
        # Written by the process.
        ("answered", np.int64, _CACHE_LINE),
        ("lsnr_db", np.float32, _CACHE_LINE + 8),
        ("results", (np.float32, (SIDES, HOP)), at),
        # Written by the process, and by the job when it hands its voice over.
        ("states", (state, (SIDES,)), at + SIDES * HOP * 4),
    ]
    end = at + SIDES * HOP * 4 + SIDES * state.itemsize
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype(
        {
            "names": names,
            "formats": formats,
            "offsets": offsets,
            "itemsize": -(-end // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY,  # a job maps whole pages
        }
    )


def supported() -> bool:
    """Linux has what it takes: anonymous memory that can be passed on, and sockets without a file."""
    return hasattr(os, "memfd_create")


class Slots:
    """All slots of the denoising process: every field is an array over the slots."""

    def __init__(self, record: Record, count: int) -> None:
        self.count = count
        self.record = record
        size = count * record.itemsize
        self.memory = os.memfd_create("stillair-denoise", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.memory, size)
        fcntl.fcntl(self.memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._all = np.frombuffer(mmap.mmap(self.memory, size), record)
        self.offered: NDArray[np.int64] = self._all["offered"]  # [slots]
        self.answered: NDArray[np.int64] = self._all["answered"]
        self.arrived_ns: NDArray[np.int64] = self._all["arrived_ns"]
        self.missed: NDArray[np.int64] = self._all["missed"]
        self.strength_db: NDArray[np.float64] = self._all["strength_db"]
        self.lsnr_db: NDArray[np.float32] = self._all["lsnr_db"]
        self.hops: NDArray[np.float32] = self._all["hops"]  # [slots, 2, 480]
        self.results: NDArray[np.float32] = self._all["results"]
        self.states: list[NDArray[Any]] = _arrays(self._all["states"])  # [slots, 2, ...] each
        self.barrier = Barrier()

    def clear(self, slot: int) -> None:
        """Nothing of one voice is left for the next."""
        self._all[slot] = np.zeros((), self.record)


class Slot:
    """One slot, mapped by the job."""

    def __init__(self, record: Record, memory: int, number: int) -> None:
        """`memory`: file descriptor, which stays the caller's. Raises OSError or ValueError when there is no such slot in it."""
        mapped = mmap.mmap(memory, record.itemsize, offset=number * record.itemsize)
        fields = np.frombuffer(mapped, record)
        self._offered: NDArray[np.int64] = fields["offered"]  # [1], as a view
        self._answered: NDArray[np.int64] = fields["answered"]
        self._arrived_ns: NDArray[np.int64] = fields["arrived_ns"]
        self._missed: NDArray[np.int64] = fields["missed"]
        self._strength_db: NDArray[np.float64] = fields["strength_db"]
        self._lsnr_db: NDArray[np.float32] = fields["lsnr_db"]
        self._hops: NDArray[np.float32] = fields["hops"][0]  # [2, 480]
        self._results: NDArray[np.float32] = fields["results"][0]
        self._states: list[NDArray[Any]] = _arrays(fields["states"][0])  # [2, ...] each
        self._barrier = Barrier()

    @property
    def idle(self) -> bool:
        """Everything offered has been answered: the process does not touch this slot now."""
        return bool(self._answered[0] == self._offered[0])

    def offer(self, hop: NDArray[np.float32], strength_db: float, now_ns: int) -> None:
        """Offer the next hop. Call it only while the slot is idle."""
        number = int(self._offered[0])
        self._hops[number % SIDES] = hop
        self._strength_db[0] = strength_db
        self._arrived_ns[0] = now_ns
        self._barrier()
        self._offered[0] = number + 1

    def result(self) -> NDArray[np.float32]:
        """Return the newest hop, as a view that the next offer but one overwrites. Only while idle, after at least one offer."""
        self._barrier()
        result: NDArray[np.float32] = self._results[(int(self._offered[0]) - 1) % SIDES]
        return result

    @property
    def lsnr_db(self) -> float:
        return float(self._lsnr_db[0])

    def give(self, engine: Engine) -> None:
        """The engine's one voice: the process goes on with it from the next offer. Only while idle."""
        side = int(self._offered[0]) % SIDES
        for state, array in zip(self._states, engine.memory, strict=True):
            state[side] = array[0]

    def take_back(self, engine: Engine) -> None:
        """Puts the voice as it was before the newest hop, which is not answered, into the engine's one row."""
        self._missed[0] += 1
        side = (int(self._offered[0]) - 1) % SIDES
        self._barrier()
        engine.replace(state[side] for state in self._states)


class Barrier:
    """Called between two accesses to shared memory, keeps them in this order for the other process.

    On x86 they are in any case. Elsewhere (ARM) it takes a release followed by an acquire, which is what a lock does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def __call__(self) -> None:
        self._lock.release()
        self._lock.acquire()


def _arrays(states: NDArray[Any]) -> list[NDArray[Any]]:
    return [states[name] for name in states.dtype.names or ()]
