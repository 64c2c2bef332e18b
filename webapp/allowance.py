"""How much of the server's disk one person's recordings may take, and for how long.

The server's settings are the default for everybody. An admin can give one person more or less space (webapp.cli); a person can
have recordings deleted earlier than the server does, never later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from webapp import sharing
from webapp.config import Config
from webapp.errors import Invalid
from webapp.extensions import db
from webapp.models import Recording, User, now

GB = 10**9
MOST_DAYS = 36_500


def _config() -> Config:
    found: Config = current_app.config["STILLAIR"]
    return found


# --- Space

def quota(user: User) -> int | None:
    """Bytes that all recordings of a person may have; None when there is no limit."""
    quota_gb = _config().quota_gb if user.quota_gb is None else user.quota_gb
    return round(quota_gb * GB) or None


def used(user: User, *, without: str = "") -> int:
    """Bytes. `without`: id of a recording that does not count."""
    sizes = select(func.coalesce(func.sum(Recording.size), 0))
    mine = sizes.where(Recording.owner_id == user.id, Recording.deleted_at.is_(None), Recording.id != without)
    return db.session.scalar(mine) or 0


def left_for(user: User, recording_id: str) -> int | None:
    """Bytes that this one recording may have."""
    limit = quota(user)
    return None if limit is None else max(0, limit - used(user, without=recording_id))


# --- Time

def days_kept(user: User) -> int | None:
    """None: for ever."""
    limits = [days for days in (_config().keep_days, user.keep_days) if days]
    return min(limits) if limits else None


def is_too_old() -> ColumnElement[bool]:
    """Condition on Recording joined with its owner."""
    own = db.session.scalars(select(User.keep_days).where(User.keep_days.is_not(None)).distinct())
    limits = [and_(User.keep_days == days, Recording.started_at < _days_ago(days)) for days in own if days]
    if server := _config().keep_days:
        limits.append(Recording.started_at < _days_ago(server))
    return or_(false(), *limits)


def _days_ago(days: int) -> datetime:
    return now() - timedelta(days=days)


# --- What a person wants

def change(user: User, *, keep_days: str, audience: str) -> None:
    """`keep_days`: "" for as long as the server keeps them. Raises Invalid."""
    days = _days(keep_days.strip())
    if audience not in sharing.AUDIENCES:
        raise Invalid.field("audience", _("This must be %(choices)s.", choices=_(" or ").join(sharing.AUDIENCES)))
    user.keep_days, user.audience = days, audience
    db.session.commit()


def _days(text: str) -> int | None:
    most = _config().keep_days or MOST_DAYS
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise Invalid.field("keep_days", _("Use a whole number of days from 1 to %(most)d, or leave it empty.", most=most))
    return int(text)
