"""News about friendships for rooms that friends must not know, such as streams."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

friendship_ended = _signals.signal("friendship-ended")
"""Sent with a `User` as sender and the other one as `friend`, after the end is committed. The two are equal in this."""
