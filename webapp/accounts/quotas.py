"""Limits how much of the server's disk one person's recordings may take, and for how long.

The server's settings are the default for everybody. An admin can give one person more or less space and time. People can have
their recordings deleted earlier than that, never later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from contract import disk
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import AUDIENCES, Recording, Setting, User, now
from webapp.security import audit

GB = 10**9
KEY = "quota_gb"
SHARES = 10
"""Into so many parts a new server shares its disk: an hour of speech takes about 150 MB."""
MAX_DAYS = 36_500
MAX_GB = 1_000_000


# --- Space


def quota(user: User) -> int | None:
    """Return how many bytes all recordings of a person may have; None when there is no limit."""
    return server_quota() if user.quota_gb is None else round(user.quota_gb * GB) or None


def server_quota() -> int | None:
    """Return how many bytes everybody has to whom no admin has given more or less; None when there is no limit."""
    quota_gb = current_config().quota_gb
    if quota_gb is None:
        chosen = db.session.get(Setting, KEY)
        quota_gb = float(chosen.value) if chosen else 0.0
    return round(quota_gb * GB) or None


def share_out_disk() -> None:
    """Choose the quota of a new server, in the current transaction, so that no single person can fill its disk.

    Servers from before this was done go on without one, unless their admin sets one.
    """
    folder = disk.existing_folder(current_config().recordings)
    share_gb = max(1, round(disk.total_bytes(folder) / GB / SHARES))
    db.session.merge(Setting(key=KEY, value=str(share_gb)))


def used(user: User, *, without: str = "") -> int:
    """Return how many bytes the person's recordings have. `without`: id of a recording that does not count."""
    sizes = select(func.coalesce(func.sum(Recording.size), 0))
    mine = sizes.where(Recording.owner_id == user.id, Recording.deleted_at.is_(None), Recording.id != without)
    return db.session.scalar(mine) or 0


def left_for(user: User, recording_id: str) -> int | None:
    """Return how many bytes this one recording may have; None when there is no limit."""
    limit = quota(user)
    return None if limit is None else max(0, limit - used(user, without=recording_id))


# --- Time


def days_kept(user: User) -> int | None:
    """Return for how many days the person's recordings are kept; None for ever."""
    return _days_kept(user.most_days, user.keep_days)


def max_days(user: User) -> int | None:
    """Return for how many days the person may have recordings kept; None for ever."""
    return _days_kept(user.most_days, None)


def _days_kept(granted: int | None, wanted: int | None) -> int | None:
    """Return the shorter of both times; None for ever.

    `granted`: the admin's limit for one person, 0 for none, None for the server's.
    """
    limits = [days for days in (current_config().keep_days if granted is None else granted, wanted) if days]
    return min(limits) if limits else None


def is_too_old() -> ColumnElement[bool]:
    """Return a condition on Recording joined with its owner."""
    limits = []
    for granted, wanted in db.session.execute(select(User.most_days, User.keep_days).distinct()).all():
        if days := _days_kept(granted, wanted):
            # IS, for both may be NULL.
            theirs = User.most_days.is_not_distinct_from(granted), User.keep_days.is_not_distinct_from(wanted)
            limits.append(and_(*theirs, Recording.started_at < _days_ago(days)))
    return or_(false(), *limits)


def _days_ago(days: int) -> datetime:
    return now() - timedelta(days=days)


# --- What a person wants


def change(user: User, *, keep_days: str, audience: str) -> None:
    """Set how long the person's recordings are kept and who may hear new ones.

    `keep_days`: "" for as long as the server keeps them. Raises Invalid.
    """
    days = _days(keep_days.strip(), minimum=1, maximum=max_days(user) or MAX_DAYS)
    if audience not in AUDIENCES:
        raise Invalid.choice("audience", AUDIENCES)
    user.keep_days, user.audience = days, audience
    db.session.commit()


def _days(text: str, *, minimum: int, maximum: int) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not minimum <= int(text) <= maximum:
        problem = _(
            "Use a whole number of days from %(minimum)d to %(maximum)d, or leave it empty.", minimum=minimum, maximum=maximum
        )
        raise Invalid.field("keep_days", problem)
    return int(text)


# --- What the admin gives


def grant(admin: User | str, user: User, *, quota_gb: str, most_days: str) -> None:
    """Give one person space and time of their own.

    `quota_gb` and `most_days`: 0 for no limit, "" for the server's setting. Raises Invalid, naming one of them.
    """
    space, days = _gb(quota_gb.strip()), _most_days(most_days.strip())
    if space != user.quota_gb:
        audit.record(admin, "quota.changed", user, "" if space is None else f"{space:g} GB")
    if days != user.most_days:
        audit.record(admin, "days.changed", user, "" if days is None else str(days))
    user.quota_gb, user.most_days = space, days
    db.session.commit()


def _gb(text: str) -> float | None:
    try:
        gb = float(text.replace(",", ".")) if text else None
    except ValueError:
        gb = -1.0
    if gb is not None and not 0 <= gb <= MAX_GB:
        raise Invalid.field("quota_gb", _("Use a number of GB from 0 to %(maximum)s, or leave it empty.", maximum=MAX_GB))
    return gb


def _most_days(text: str) -> int | None:
    try:
        return _days(text, minimum=0, maximum=MAX_DAYS)
    except Invalid as error:
        raise Invalid.field("most_days", error.message) from error
