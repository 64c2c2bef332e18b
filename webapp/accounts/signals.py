"""News about log-ins for rooms that accounts must not know, such as streams."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

login_ended = _signals.signal("login-ended")
"""Sent after the end of log-ins or access tokens is committed. The sender is the id of the person whose they were."""
