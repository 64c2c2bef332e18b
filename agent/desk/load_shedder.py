"""Decides, tick by tick, what a desk that is too slow gives up, and when it takes it up again. Falling back is the last thing.

    well        all voices are cleaned, and new ones may come
    full        all are cleaned, but no new stream is taken
    shedding    the newest voices are not cleaned, so that the others are

A stall is no overload, however long: what queued up meanwhile is worked off in milliseconds. A second without catching up once
is, and two are reason to give something up. Cleaning is tried again, for one voice after the other, after 5 s without lateness;
each time that fails within a minute the wait doubles, up to a minute.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.desk.seat import Seat

WELL, FULL, SHEDDING = STAGES = ("well", "full", "shedding")

LATE_S = 0.020
FULL_TICKS = 100
SHED_TICKS = 200
FULL_FOR_TICKS = 1_000
MIN_REST_TICKS = 500
MAX_REST_TICKS = 6_000
SHED_SHARE = 4
"""One in so many voices is given up at a time, and at least one."""


class LoadShedder:
    """Belongs to the desk's thread; others may read `stage`."""

    def __init__(self) -> None:
        self.stage = WELL
        self._shed: list[Seat] = []
        self._late = 0  # ticks in succession
        self._good = 0
        self._rest = MIN_REST_TICKS
        self._since_return = MAX_REST_TICKS

    def after(self, behind_s: float, cleaned: Sequence[Seat]) -> list[tuple[Seat, bool]]:
        """Takes how far the desk is behind (s), and the voices that it should clean, oldest first. Returns those to stop
        cleaning (True) or to clean again (False)."""
        good = behind_s < LATE_S
        self._late = 0 if good else self._late + 1
        self._good = self._good + 1 if good else 0
        self._since_return += 1
        if not self._shed and good and self.stage == WELL:
            return []
        self._shed = [seat for seat in self._shed if seat.is_open]
        changes: list[tuple[Seat, bool]] = []
        if self._late and self._late % SHED_TICKS == 0:
            changes = self._give_up(cleaned)
        elif self._shed and self._good >= self._rest:
            changes = self._take_up()
        self.stage = self._judged()
        return changes

    def _give_up(self, cleaned: Sequence[Seat]) -> list[tuple[Seat, bool]]:
        if not self._shed or self._since_return < MAX_REST_TICKS:
            tried_in_vain = self._since_return < MAX_REST_TICKS
            self._rest = min(2 * self._rest, MAX_REST_TICKS) if tried_in_vain else MIN_REST_TICKS
        still = [seat for seat in cleaned if seat not in self._shed]
        count = -(-len(cleaned) // SHED_SHARE)
        chosen = still[-count:][::-1]  # the newest first, which come back last
        self._shed += chosen
        return [(seat, True) for seat in chosen]

    def _take_up(self) -> list[tuple[Seat, bool]]:
        self._good, self._since_return = 0, 0
        return [(self._shed.pop(), False)]

    def _judged(self) -> str:
        if self._shed:
            return SHEDDING
        if self._late >= FULL_TICKS:
            return FULL
        if self.stage != WELL and self._good < FULL_FOR_TICKS:
            return FULL
        return WELL
