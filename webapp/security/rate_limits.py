"""How often something may be done in an hour or a minute. The acts are counted in the database, in the transaction of the act
itself: one that fails does not count, and a restart forgets none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import lazy_gettext, ngettext
from flask_babel.speaklater import LazyString
from sqlalchemy import delete, select

from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import TooMany
from webapp.models import RateLimitHit, now

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Limit:
    maximum: int | None  # None: as the setting registrations_per_hour says
    within: timedelta
    message: LazyString | str  # when to try again is added to it


LIMITS = {
    # of one network
    "registration": Limit(None, HOUR, lazy_gettext("Too many accounts have been created from your network in the last hour.")),
    "reset wish": Limit(20, HOUR, lazy_gettext("Too many links have been requested from your network in the last hour.")),
    # of one person
    "friend request": Limit(60, HOUR, lazy_gettext("You have sent too many friend requests in the last hour.")),
    "message": Limit(20, MINUTE, lazy_gettext("You are sending messages too fast.")),
    "picture": Limit(60, HOUR, lazy_gettext("You have uploaded too many pictures in the last hour.")),
    "live notice": Limit(4, HOUR, ""),  # friends are not called each time when somebody starts and stops again and again
    "push subscription": Limit(30, HOUR, lazy_gettext("You have switched notifications on too often in the last hour.")),
    "reaction": Limit(30, MINUTE, lazy_gettext("Too many reactions.")),
    "search": Limit(100, HOUR, lazy_gettext("You have searched for people too often in the last hour.")),
    "seat": Limit(60, MINUTE, lazy_gettext("You have asked to listen too often in the last minute. The stream goes on.")),
    "start": Limit(60, HOUR, lazy_gettext("You have started too many streams in the last hour. What you have recorded is safe.")),
    "reset mail": Limit(3, HOUR, ""),  # a stranger who knows a name must not be able to fill a mailbox
    "token network": Limit(20, HOUR, ""),  # new ones, of one access token, in the audit log
    "notice mail": Limit(20, HOUR, ""),  # to one person
    "admin refused": Limit(5, HOUR, ""),  # of one person, in the audit log
    "setup check": Limit(30, HOUR, lazy_gettext("You have checked your set-up too often in the last hour.")),
}


def count(limit: str, subject: int | str) -> None:
    """Count one more act. `subject` is the id of a person or a network. Raises TooMany, with the transaction rolled back."""
    db.session.execute(delete(RateLimitHit).where(RateLimitHit.at < now() - HOUR))  # SQLite lets nobody else write from here on
    check(limit, subject)
    record(limit, subject)


def record(limit: str, subject: int | str) -> None:
    """Count an act that has happened already, even if it is one too many."""
    db.session.add(RateLimitHit(subject=f"{limit}:{subject}"))


def check(limit: str, subject: int | str) -> None:
    """Raise TooMany, with the transaction rolled back, if the next act would be one too many. Nothing is counted."""
    wait_s = _wait_s(limit, subject)
    if wait_s:
        db.session.rollback()
        raise TooMany(f"{LIMITS[limit].message} {_try_again(wait_s)}", retry_after_s=wait_s)


def is_reached(limit: str, subject: int | str) -> bool:
    """Tell whether the next act would be one too many. Nothing is counted."""
    return _wait_s(limit, subject) > 0


def _wait_s(limit: str, subject: int | str) -> int:
    maximum, within = _maximum(limit), LIMITS[limit].within
    recent = RateLimitHit.subject == f"{limit}:{subject}", RateLimitHit.at >= now() - within
    newest_first = select(RateLimitHit.at).where(*recent).order_by(RateLimitHit.at.desc())
    deciding = db.session.scalar(newest_first.offset(maximum - 1).limit(1))  # the next one may come so long after it
    return 0 if deciding is None else max(1, math.ceil((deciding + within - now()).total_seconds()))


def _maximum(limit: str) -> int:
    maximum = LIMITS[limit].maximum
    return current_config().registrations_per_hour if maximum is None else maximum


def _try_again(seconds: int) -> str:
    if seconds < 60:
        return ngettext("Try again in a second.", "Try again in %(num)d seconds.", seconds)
    return ngettext("Try again in a minute.", "Try again in %(num)d minutes.", math.ceil(seconds / 60))
