"""Keeps the reconciler's heartbeat. It is a row, because the reconciler is a process of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from webapp.core.database import db
from webapp.models import Setting, now

KEY = "reconciler_seen"
EVERY_S = 10.0
ALIVE_FOR = timedelta(seconds=45)  # a round takes seconds when the audio server does not answer


def beat() -> None:
    """Note that the reconciler is running now."""
    db.session.merge(Setting(key=KEY, value=now().isoformat()))
    db.session.commit()


def is_alive() -> bool:
    """Return whether the reconciler has been running lately."""
    found = db.session.get(Setting, KEY)
    return found is not None and now() - datetime.fromisoformat(found.value) < ALIVE_FOR
