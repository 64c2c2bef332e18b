"""Tells whether the job keeps up with the sound. Times go in, a verdict comes out: nothing here reads a clock."""

from __future__ import annotations

from agent.voice.frames import FRAME_S

MAX_QUEUED_FRAMES = 10
"""Frames that may wait for the job (100 ms); when there are more, the oldest are given up."""

_MAX_BEHIND_S = MAX_QUEUED_FRAMES * FRAME_S
_PERIOD_S = FRAME_S * 1.002  # a sound clock that runs 0.2 % slow is no lateness
_WAITED_S = 0.5 * FRAME_S  # a job that waits this long for a frame has none queued


class FrameClock:
    """Measures how long the newest frame has been waiting for the job, in seconds, and how many frames were given up.

    A queue's waiting time follows from the moments at which its customers are served (Lindley 1952): it grows by what the
    service of one took longer than a frame lasts, and never below zero.
    """

    def __init__(self) -> None:
        self.behind_s = 0.0
        self.lost = 0
        self._lost_s = 0.0
        self._taken_at: float | None = None

    def taken(self, at: float, waited_s: float) -> float:
        """Notes that a frame was taken at time `at`, after waiting `waited_s` for it. Returns how far behind the job is (s)."""
        since, self._taken_at = self._taken_at, at
        if since is None:
            return 0.0
        between = at - since
        if waited_s > _WAITED_S and between < 1.5 * FRAME_S:
            self.behind_s = 0.0
            return 0.0
        behind = max(0.0, self.behind_s + between - _PERIOD_S)
        self.behind_s = min(behind, _MAX_BEHIND_S)
        self._lost_s += behind - self.behind_s
        self.lost = int(self._lost_s / FRAME_S)
        return self.behind_s


class Overload:
    """Decides, frame by frame, when to stop cleaning because the machine is too slow, and when to try again.

    A stall is no overload, however long: what queued up meanwhile is worked off in milliseconds. A second without catching up
    once is. Cleaning is tried again after 5 s without lateness; each time that fails within a minute the wait doubles, up to
    a minute.
    """

    _GOOD_S = 0.020
    _ENTER = 100
    _MIN_REST = 500
    _MAX_REST = 6_000

    def __init__(self) -> None:
        self.active = False
        self._late = 0
        self._good = 0
        self._rest = self._MIN_REST
        self._cleaned = self._MAX_REST

    def after(self, behind_s: float) -> bool:
        """Takes the lateness of a frame (s). Returns True while the job should not clean."""
        good = behind_s < self._GOOD_S
        if self.active:
            self._good = self._good + 1 if good else 0
            if self._good >= self._rest:
                self._leave()
        else:
            self._cleaned += 1
            self._late = 0 if good else self._late + 1
            if self._late >= self._ENTER:
                self._enter()
        return self.active

    def _enter(self) -> None:
        tried_in_vain = self._cleaned < self._MAX_REST
        self._rest = min(2 * self._rest, self._MAX_REST) if tried_in_vain else self._MIN_REST
        self.active, self._good = True, 0

    def _leave(self) -> None:
        self.active, self._late, self._cleaned = False, 0, 0


class Cooldown:
    """Lets something be logged once, and then not again for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = float("-inf")

    def ready(self, now: float) -> bool:
        """Returns True when it may be logged now (s), and begins a new wait then."""
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
