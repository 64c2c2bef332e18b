"""Keeps one of the noise remover's places for the admins: people with accounts cannot take every one of them."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, select

from webapp.core import noise_remover
from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.core.errors import Busy
from webapp.models import RUNNING, Stream, User

RETRY_AFTER_S = 60


def open_to(owner: User) -> int | None:
    """Return how many places there are for people like this one; None when nothing limits them.

    A server with a single place keeps none. Call it without an open transaction: the noise remover is asked.
    """
    if owner.is_admin:
        return None
    db.session.commit()
    health = noise_remover.health()
    total = health.slots.total if health and health.slots else 1
    return total - 1 if total > 1 else None


def check(places: int | None) -> None:
    """Raise Busy, with the transaction rolled back, if the stream that was just added is one too many for `open_to`."""
    if places is None:
        return
    advisory_lock(AdvisoryLock.PLACES)
    held = select(func.count()).select_from(Stream).join(Stream.owner).where(RUNNING, User.is_admin.is_(False))
    if (db.session.scalar(held) or 0) > places:
        db.session.rollback()
        message = _(
            "The server can clean %(total)d streams at once. All places are in use but one, which is kept for the admin. Nothing "
            "was started. Try again when somebody has stopped.",
            total=places + 1,
        )
        raise Busy(message, code="all_places_taken", retry_after_s=RETRY_AFTER_S)
