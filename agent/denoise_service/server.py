"""The denoising process: the hops of all broadcasts of a machine in few batches, so that the weights are read once for many.

It never wakes a job and is never woken by one. A job offers a hop when a frame arrives and fetches the result when the next
frame arrives, 10 ms later; `BatchScheduler` tells when the process has to look so that every result is there in time and as
many hops as possible go together. Nobody is waited for longer than that allows: a batch is whoever has offered.

Jobs come over a Unix socket without a file (agent.denoise_service.link). A connection is a slot
(agent.denoise_service.shared_memory), and its end frees the slot. When the process dies, each job goes on by itself
(agent.denoise_service.client) and the worker starts it again (agent.denoise_service.supervisor).
"""

from __future__ import annotations

import gc
import logging
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.denoise import Denoiser, Engine
from agent.denoise.engine import NO_LIMIT_DB
from agent.denoise.spectrum import HOP, SAMPLE_RATE
from agent.denoise_service.link import hello, same_user, send_slot
from agent.denoise_service.shared_memory import SIDES, Slots, slot_record

logger = logging.getLogger(__name__)

Rows = NDArray[np.intp]
Times = NDArray[np.float64]

HOP_S = HOP / SAMPLE_RATE
MAX_BATCH = 32
"""More voices at once are no faster."""
HELLO_S = 1.0
"""Time that a new connection has to say what it is."""


class BatchScheduler:
    """When is the next batch due? Times in seconds of CLOCK_MONOTONIC; nothing here reads the clock.

    A hop's result must be there when the next hop arrives, 10 ms later. Arrivals have a jitter that only delays, so each voice's
    beat is the early edge of its arrivals, followed at once when it is earlier and slowly when it is later. A batch waits for
    whoever is expected before the latest moment that the most urgent hop allows, and begins as soon as nobody else is: where the
    beats leave a gap in the 10 ms, this settles behind it and there is one batch for all; without a gap there are two.
    """

    EARLY_S = 0.002  # an arrival is taken for early by up to this, else for late
    FOLLOW = 1 / 64
    MOVED_S = 0.003  # who is later than that may have another beat now, which is followed faster
    FOLLOW_MOVED = 1 / 4
    WAIT_S = 0.001  # from a beat to the look for its hop ...
    AGAIN_S = 0.0005  # ... and from look to look when it is not there yet
    ABSENT_S = 0.003  # between looks for somebody who is here and has no beat
    MARGIN_S = 0.0005  # least time between a result and the moment it is fetched
    MAX_MARGIN_S = 0.004
    WIDEN_S = 0.0005  # by which the margin grows when a result came too late ...
    NARROW = 0.998  # ... and the share of it that is left after each batch
    MAX_BATCH_S = 0.004  # a batch that took longer was kept from the processor, which says nothing of the next one

    def __init__(self, slots: int) -> None:
        self._beat = np.full(slots, np.inf)  # when the first hop that is not done yet arrives or should have arrived
        self._here = np.zeros(slots, bool)
        self._batch_s = 0.002  # what the larger batches take
        self._margin_s = self.MARGIN_S

    @property
    def slack_s(self) -> float:
        """Seconds from a beat to the latest moment at which its batch must begin."""
        return HOP_S - self._margin_s - self._batch_s

    def join(self, slot: int) -> None:
        self._here[slot] = True

    def leave(self, slot: int) -> None:
        self._here[slot] = False
        self._beat[slot] = np.inf

    def waiting(self, slots: Rows, arrived: Times, now: float) -> None:
        """Note that by `now` these slots have a hop waiting, which came at these times, and that the others have none."""
        beat = self._beat[slots]
        beat = np.where(np.isinf(beat), arrived, beat)
        late = (arrived - beat + self.EARLY_S) % HOP_S - self.EARLY_S
        follow = np.where(late > self.MOVED_S, self.FOLLOW_MOVED, np.where(late > 0, self.FOLLOW, 1))
        self._beat[self._beat + self.slack_s <= now] = np.inf  # too late for a result in time: has no beat now
        self._beat[slots] = arrived - late + late * follow

    def due(self, slots: Rows, now: float) -> bool:
        """Must the batch of these hops begin now, or would it begin later with no more of them?"""
        if not len(slots):
            return False
        latest = float(self._beat[slots].min()) + self.slack_s
        others = self._beat <= latest
        others[slots] = False
        return latest <= now or not others.any()

    def done(self, slots: Rows, began: float, ended: float) -> None:
        longer = min(ended - began, self.MAX_BATCH_S) - self._batch_s
        self._batch_s += longer * (0.25 if longer > 0 else 0.02)
        self._beat[slots] += HOP_S
        too_late = bool((self._beat[slots] < ended).any())
        self._margin_s = min(self._margin_s + self.WIDEN_S, self.MAX_MARGIN_S) if too_late else self._narrowed()

    def _narrowed(self) -> float:
        return max(self.MARGIN_S, self._margin_s * self.NARROW)

    def next(self, now: float) -> float:
        """When to look again."""
        latest = float(self._beat.min()) + self.slack_s
        absent = bool(np.isinf(self._beat[self._here]).any())
        again = now + (self.ABSENT_S if absent else HOP_S)
        if latest == np.inf:
            return again
        last = float(self._beat[self._beat <= latest].max()) + self.WAIT_S
        return min(latest, again, last if last > now else now + self.AGAIN_S)


class BatchRunner:
    """The work itself: one hop of any voices in their slots."""

    def __init__(self, denoiser: Denoiser, slots: int) -> None:
        self._denoiser = denoiser
        self.slots = Slots(slot_record(denoiser.engine(1).voice(0)), slots)
        self._engines: list[Engine] = []  # of 1, 2, 3 ... voices; the voices themselves live in the slots
        self._strength_db = np.full(slots, np.nan)

    def make_room(self, voices: int) -> None:
        """Has engines for up to so many voices at once, with everything in them that comes with a first hop."""
        while len(self._engines) < min(voices, MAX_BATCH):
            engine = self._denoiser.engine(len(self._engines) + 1)
            engine.step(np.zeros((engine.voices, HOP), np.float32))
            self._engines.append(engine)

    def clear(self, slot: int) -> None:
        self.slots.clear(slot)
        self._strength_db[slot] = np.nan

    def waiting(self) -> Rows:
        """Slots with a hop that is not answered."""
        slots = self.slots
        rows = np.flatnonzero(slots.offered > slots.answered)
        slots.barrier()
        return rows

    def step(self, rows: Rows) -> None:
        for first in range(0, len(rows), MAX_BATCH):
            self._step(rows[first : first + MAX_BATCH])

    def _step(self, rows: Rows) -> None:
        slots = self.slots
        number = slots.answered[rows]
        side, other = number % SIDES, (number + 1) % SIDES
        engine = self._engines[len(rows) - 1]
        engine.replace(state[rows, side] for state in slots.states)
        self._set_strength(engine, rows)
        slots.results[rows, side] = engine.step(slots.hops[rows, side])
        slots.lsnr_db[rows] = engine.lsnrs_db
        for state, values in zip(slots.states, engine.memory, strict=True):
            state[rows, other] = values
        slots.barrier()
        slots.answered[rows] = number + 1

    def _set_strength(self, engine: Engine, rows: Rows) -> None:
        wanted = np.clip(self.slots.strength_db[rows], 0, NO_LIMIT_DB)
        for row in np.flatnonzero(wanted != self._strength_db[rows]):
            engine.set_strength(int(row), float(wanted[row]))
        self._strength_db[rows] = wanted


@dataclass(eq=False)
class Peer:
    """The other end of a connection: a stranger until it has said hello, then a job with a slot."""

    connection: socket.socket
    deadline: float
    slot: int | None = None


class Server:
    """Lets jobs in and out between batches. Everything runs on one thread."""

    def __init__(self, listener: socket.socket, runner: BatchRunner, clock: Callable[[], float] = time.monotonic) -> None:
        self._listener = listener
        self._runner = runner
        self._clock = clock
        self._scheduler = BatchScheduler(runner.slots.count)
        self._free = list(range(runner.slots.count))[::-1]
        self._peers: set[Peer] = set()
        self._refused = False
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    @property
    def _voices(self) -> int:
        return self._runner.slots.count - len(self._free)

    def watch(self, file: int, gone: Callable[[], None]) -> None:
        """`gone` is called when the other end of this pipe is closed."""
        self._selector.register(file, selectors.EVENT_READ, gone)

    def serve(self) -> None:
        """Never returns."""
        while True:
            self._attend(None if not self._peers else 0 if self._voices else HELLO_S)
            if self._voices:
                time.sleep(max(0.0, self._look() - self._clock()))

    def _look(self) -> float:
        """Steps the hops that are there if one of them is due -> when to look again."""
        now = self._clock()
        rows = self._runner.waiting()
        self._scheduler.waiting(rows, self._runner.slots.arrived_ns[rows] * 1e-9, now)
        if self._scheduler.due(rows, now):
            self._runner.step(rows)
            self._scheduler.done(rows, now, self._clock())
            self._runner.make_room(self._voices + 1)  # for the next one who comes: now nobody is due for a while
        return self._scheduler.next(self._clock())

    # --- who is there -----------------------------------------------------------------------------------------------

    def _attend(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()
        now = self._clock()
        for peer in [peer for peer in self._peers if peer.slot is None and peer.deadline < now]:
            self._dismiss(peer, "said nothing")

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # it went away in between
        connection.setblocking(False)
        if not same_user(connection):
            if not self._refused:
                logger.warning("A connection of another user was refused; more of them are not told")
            self._refused = True
            connection.close()
            return
        peer = Peer(connection, self._clock() + HELLO_S)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._heard(peer))

    def _heard(self, peer: Peer) -> None:
        """A hello, nonsense, or the end of the connection."""
        expected = hello(self._runner.slots.record)
        try:
            said = peer.connection.recv(len(expected) + 1)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if peer.slot is None and said == expected:
            self._seat(peer)
        else:
            self._dismiss(peer, "said something else" if said else None)

    def _seat(self, peer: Peer) -> None:
        if not self._free:
            self._dismiss(peer, "found no free slot")
            return
        slot = self._free.pop()
        self._runner.clear(slot)
        self._runner.make_room(self._voices)
        try:
            send_slot(peer.connection, self._runner.slots, slot)
        except OSError:
            self._free.append(slot)
            self._dismiss(peer, None)
            return
        peer.slot = slot
        self._scheduler.join(slot)

    def _dismiss(self, peer: Peer, why: str | None) -> None:
        if why is not None:
            logger.warning("A connection was closed", extra={"why": why})
        self._selector.unregister(peer.connection)
        peer.connection.close()
        self._peers.discard(peer)
        if peer.slot is not None:
            self._scheduler.leave(peer.slot)
            self._runner.clear(peer.slot)
            self._free.append(peer.slot)


def main(listener: int, slots: int, lifeline: int) -> None:
    """`listener`, `lifeline`: file descriptors of a listening socket, and of a pipe whose other end is closed when this process
    should end: that happens also when the worker dies of SIGKILL."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # may reach the worker's whole group; this process ends with the worker
    server = Server(socket.socket(fileno=listener), BatchRunner(Denoiser.load(), slots))
    server.watch(lifeline, sys.exit)
    gc.collect()
    gc.freeze()
    server.serve()


if __name__ == "__main__":
    from agent import log

    log.configure()
    main(*(int(argument) for argument in sys.argv[1:]))
