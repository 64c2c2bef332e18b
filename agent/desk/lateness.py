"""Tells whether the desk keeps up with the sound. Times go in, a verdict comes out: nothing here reads a clock."""

from __future__ import annotations

from agent.voice.frames import FRAME_S

MAX_QUEUED_FRAMES = 10
"""Frames of a voice that may wait for the desk (100 ms); when there are more, the oldest are given up."""

_MAX_BEHIND_S = MAX_QUEUED_FRAMES * FRAME_S
_PERIOD_S = FRAME_S * 1.002  # a sound clock that runs 0.2 % slow is no lateness
_WAITED_S = 0.5 * FRAME_S  # a desk that waits this long for a frame has none queued


class FrameClock:
    """Measures how far the desk is behind the sound, in seconds.

    A queue's waiting time follows from the moments at which its customers are served (Lindley 1952): it grows by what the
    service of one took longer than a frame lasts, and never below zero.
    """

    def __init__(self) -> None:
        self.behind_s = 0.0
        self.lost = 0
        self._lost_s = 0.0
        self._taken_at: float | None = None

    def taken(self, at: float, waited_s: float) -> float:
        """Notes that a frame was taken at time `at`, after waiting `waited_s` for it. Returns how far behind the desk is (s)."""
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
