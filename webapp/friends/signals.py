"""News about friendships for rooms that friends must not know, such as streams."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

friendship_ended = _signals.signal("friendship-ended")
"""Sent after the end of a friendship is committed: one of the two is the sender, the other one is `friend`."""
