"""The desk: cleans all voices of a worker, one batch every 10 ms, on a thread of its own.

    put()            the SDK's audio thread leaves a frame in the seat's queue
    a tick           the oldest frame of every seat that has one -> one batch -> each seat's sink

The SDK delivers all tracks of a process at the same beat, so a tick begins when every voice that was there lately has its frame,
and 2 ms late at the latest: the desk never waits for a voice. Nothing here knows of LiveKit or asyncio.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import numpy as np

from agent.denoise import Denoiser
from agent.desk.lateness import FrameClock
from agent.desk.load_shedder import LoadShedder
from agent.desk.seat import Failed, Frame, Reading, Seat, Sink, Voices
from agent.voice.clean_voices import CleanVoices, Rows
from agent.voice.frames import FRAME_S, Int16
from agent.voice.pass_through import PassThrough

logger = logging.getLogger(__name__)

GATHER_S = 0.002
"""How long a tick waits for those who are late."""
EXPECTED_TICKS = 3
"""A voice that has missed as many is not waited for."""
METER_TICKS = 10
THREAD_NAME = "desk"
REMEMBERED_TICKS = 1_000
ORDER_TIMEOUT_S = 5.0
HUNG_S = 1.0

T = TypeVar("T")


class DeskError(Exception):
    """The desk did not do what it was asked for in time."""


class Desk:
    """Its methods may be called on any thread."""

    def __init__(self, denoiser: Denoiser, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clean = CleanVoices(denoiser.engine())
        self._music = PassThrough()
        self._seats: list[Seat] = []
        self._wake = threading.Condition()
        # The following belong to who holds the lock `_wake`.
        self._orders: deque[Callable[[], None]] = deque()
        self._waiting = 0  # seats with a frame
        self._expected = 0  # seats that had one lately
        self._due_at = 0.0  # when the next tick begins, whoever is missing
        self._is_behind = False  # a seat has a frame that should have been in the tick before
        self._closing = False
        # And these to the desk's thread; others may read.
        self._shedder = LoadShedder()
        self._frame_clock = FrameClock()
        self._collected_at = clock()
        self.ticks = 0
        self.late_s = 0.0
        """How far the desk is behind the sound."""
        self._oldest_s = 0.0  # how long the oldest frame of the tick had waited when the tick began
        self._handed_over_s = np.zeros(REMEMBERED_TICKS)
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    # --- from outside -----------------------------------------------------------------------------------------------

    def open(self, sink: Sink, on_failed: Failed, *, music: bool, strength_db: float, never_original: bool = False) -> Seat:
        """Seats a new voice. `music`: two channels, passed on unchanged. Raises DeskError."""
        voices: Voices = self._music if music else self._clean

        def take_seat() -> Seat:
            row = voices.join(strength_db=strength_db, never_original=never_original)
            seat = Seat(voices, row, sink, on_failed)
            self._seats.append(seat)
            return seat

        return self._ask(take_seat)

    def close(self, seat: Seat) -> None:
        """Takes a voice off the desk: its sink is not called any more when this returns. Raises DeskError."""
        self._ask(lambda: self._remove(seat))

    def put(self, seat: Seat, frame: Int16) -> None:
        """Takes a copy of the next frame of a voice, [480] or [480, 2]. Returns at once."""
        with self._wake:
            if not seat.is_open:
                return
            self._waiting += not seat.queue.length
            seat.queue.put(frame, self._clock())
            if self._waiting >= self._expected:
                self._wake.notify()

    def set_strength(self, seat: Seat, strength_db: float) -> None:
        self._tell(seat, lambda: seat.voices.set_strength(seat.row, strength_db))

    def set_bypass(self, seat: Seat, on: bool) -> None:
        self._tell(seat, lambda: seat.voices.set_bypass(seat.row, on))

    @property
    def stage(self) -> str:
        """How far the desk has fallen back: one of agent.desk.load_shedder.STAGES."""
        return self._shedder.stage

    @property
    def is_hung(self) -> bool:
        """Whether frames have been waiting for long, and nobody takes them."""
        return self._waiting > 0 and self._clock() - self._collected_at > HUNG_S

    @property
    def handed_over_s(self) -> float:
        """95th percentile of the time from a frame's arrival to when it and all others of its tick were handed over, over the
        last seconds."""
        ticks = self._handed_over_s[: self.ticks + 1]
        return float(np.percentile(ticks, 95)) if len(ticks) else 0.0

    @property
    def voices(self) -> int:
        return len(self._seats)

    @property
    def lost(self) -> int:
        """Frames that voices which are here now have lost."""
        return sum(seat.lost for seat in list(self._seats))

    def stop(self) -> None:
        """Ends the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(ORDER_TIMEOUT_S)

    def _ask(self, order: Callable[[], T]) -> T:
        """Lets the desk's thread do this between two ticks, and returns what came of it."""
        answer: Future[T] = Future()

        def answered() -> None:
            try:
                answer.set_result(order())
            except Exception as error:
                answer.set_exception(error)

        self._order(answered)
        try:
            return answer.result(ORDER_TIMEOUT_S)
        except TimeoutError as error:
            raise DeskError("the desk does not answer") from error

    def _tell(self, seat: Seat, order: Callable[[], None]) -> None:
        """Lets the desk's thread do this between two ticks, unless the voice is gone by then."""
        self._order(lambda: order() if seat in self._seats else None)

    def _order(self, order: Callable[[], None]) -> None:
        with self._wake:
            self._orders.append(order)
            self._wake.notify()

    # --- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # so that `top -H` shows it, where the system has such a file
            Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(THREAD_NAME, encoding="ascii")
        while self._wait():
            while self._orders:
                self._carry_out(self._orders.popleft())
            present = self._collect()
            if present:
                self._tick(present)

    def _carry_out(self, order: Callable[[], None]) -> None:
        try:
            order()
        except Exception:  # of one voice: the others must not lose their sound
            logger.exception("The desk could not do what it was told")

    def _wait(self) -> bool:
        """Returns when there is something to do: True, or False at the end."""
        with self._wake:
            began = self._clock()
            while not (self._closing or self._orders or self._is_behind or self._is_due()):
                self._wake.wait(max(0.0, self._due_at - self._clock()) if self._expected else None)
            if self._is_due() and not self._is_behind:
                now = self._clock()
                self._frame_clock.taken(now, now - began)
            return not self._closing

    def _is_due(self) -> bool:
        if self._waiting:
            return self._waiting >= self._expected or self._clock() >= self._due_at
        if self._expected and self._clock() >= self._due_at:
            # Everybody has fallen silent. When they speak again that is no lateness.
            self._expected = 0
            self._frame_clock = FrameClock()
        return False

    def _collect(self) -> list[tuple[Seat, Int16]]:
        """Takes the oldest frame of every voice that has one."""
        with self._wake:
            self._collected_at = self._clock()
            present = []
            for seat in self._seats:
                seat.missed_ticks = 0 if seat.queue.length else seat.missed_ticks + 1
                if seat.queue.length:
                    present.append((seat, seat.queue.take(self._collected_at)))
            # The clock also sees that frames come too slowly, because the SDK's thread does not get the processor.
            self._oldest_s = max((seat.late_s for seat, _ in present), default=0.0)
            self.late_s = self._oldest_s if self._is_behind else max(self._oldest_s, self._frame_clock.behind_s)
            left = sum(seat.queue.length > 0 for seat in self._seats)
            self._waiting, self._is_behind = left, left > 0
            self._expected = sum(seat.missed_ticks < EXPECTED_TICKS for seat in self._seats)
            self._due_at = self._collected_at + FRAME_S + GATHER_S
            return present

    def _tick(self, present: list[tuple[Seat, Int16]]) -> None:
        self.ticks += 1
        self._shed()
        for voices in (self._clean, self._music):
            some = [each for each in present if each[0].voices is voices]
            if some:
                self._process(voices, some)
        self._handed_over_s[self.ticks % REMEMBERED_TICKS] = self._oldest_s + self._clock() - self._collected_at

    def _process(self, voices: Voices, present: list[tuple[Seat, Int16]]) -> None:
        present.sort(key=lambda each: each[0].row)
        rows = np.array([seat.row for seat, _ in present], np.intp)
        heard, originals = voices.process(rows, np.stack([frame for _, frame in present]))
        silent = voices.silent_frames(rows).tolist()
        calm = voices.are_calm(rows)
        if not self.ticks % METER_TICKS:
            self._read_meters(voices, rows, present)
        for at, (seat, _) in enumerate(present):
            paused = None if calm else voices.paused(seat.row)
            silenced = False if calm else voices.silenced(seat.row)
            try:
                seat.sink(Frame(heard[at], originals[at], silent[at], paused, silenced))
            except Exception as error:
                self._drop(seat, error)

    def _read_meters(self, voices: Voices, rows: Rows, present: list[tuple[Seat, Int16]]) -> None:
        levels, removed = voices.read_meters(rows)
        for (seat, _), level_db, removed_db in zip(present, levels.tolist(), removed.tolist(), strict=True):
            seat.reading = Reading(level_db, removed_db)

    def _drop(self, seat: Seat, error: Exception) -> None:
        """Takes a voice off the desk whose sink has raised. The others do not notice."""
        logger.error("A voice was taken off the desk", exc_info=error)
        self._order(lambda: self._remove(seat))
        try:
            seat.on_failed(error)
        except Exception:
            logger.exception("Nobody could be told")

    def _remove(self, seat: Seat) -> None:
        if seat not in self._seats:
            return
        self._seats.remove(seat)
        seat.voices.leave(seat.row)
        for other in self._seats:
            if other.voices is seat.voices and other.row > seat.row:
                other.row -= 1
        with self._wake:
            seat.is_open = False

    def _shed(self) -> None:
        """Cleans fewer voices while the desk is too slow, and more again when it is not."""
        cleaned = [seat for seat in self._seats if seat.voices is self._clean]
        for seat, on in self._shedder.after(self.late_s, cleaned):
            seat.voices.set_overloaded(seat.row, on)
