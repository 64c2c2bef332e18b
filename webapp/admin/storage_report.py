"""Tells the admin what people's recordings take of the disk: whose and how much, not what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from webapp.accounts import quotas
from webapp.core import config, disk
from webapp.core.database import db
from webapp.models import Recording, User
from webapp.recordings import retention
from webapp.recordings.retention import OrphanFiles

MAX_SHOWN = 20  # people, and recordings, that take most


@dataclass(frozen=True)
class Share:
    user: User
    count: int
    size: int  # bytes


@dataclass(frozen=True)
class Usage:
    count: int
    size: int
    free: int | None  # bytes; None when the folder cannot be written
    least_free: int  # recording stops below
    quota: int | None  # bytes that one person may keep; None: no limit
    people: list[Share]
    biggest: list[Recording]
    orphans: OrphanFiles


def usage() -> Usage:
    """Read everything that the page of the disk shows."""
    settings = config.current_config()
    kept = Recording.deleted_at.is_(None)
    size = func.coalesce(func.sum(Recording.size), 0)
    count, total = db.session.execute(select(func.count(), size).select_from(Recording).where(kept)).one()
    shares = select(User, func.count(), size).join(Recording, Recording.owner_id == User.id).where(kept).group_by(User.id)
    biggest = select(Recording).where(kept).order_by(Recording.size.desc(), Recording.id).options(joinedload(Recording.owner))
    return Usage(
        count=count,
        size=total,
        free=disk.free_bytes(settings.recordings),
        least_free=settings.low_water_mb * 2**20,
        quota=quotas.server_quota(),
        people=[Share(*row) for row in db.session.execute(shares.order_by(size.desc(), User.id).limit(MAX_SHOWN))],
        biggest=list(db.session.scalars(biggest.limit(MAX_SHOWN))),
        orphans=retention.orphan_files(),
    )
