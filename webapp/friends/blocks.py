"""Reads who has blocked whom."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import Select, select

from webapp.accounts import accounts
from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.core.errors import Conflict, NotFound
from webapp.models import Block, User


def has_blocked(blocker: User, other: User) -> bool:
    return db.session.get(Block, (blocker.id, other.id)) is not None


def blockers_of(user: User) -> Select[int]:
    """Ids of those for whom the person is not to exist."""
    return select(Block.blocker_id).where(Block.blocked_id == user.id)


def blocked_ids(user: User) -> set[int]:
    return set(db.session.scalars(select(Block.blocked_id).where(Block.blocker_id == user.id)))


def blocks_of(user: User) -> list[Block]:
    """The newest first."""
    return list(db.session.scalars(select(Block).where(Block.blocker_id == user.id).order_by(Block.created_at.desc())))


def visible(viewer: User, username: str) -> User | None:
    """Somebody by name, as far as the viewer may know of them."""
    found = accounts.find(username)
    return None if found is None or has_blocked(found, viewer) else found


def unknown_name() -> NotFound:
    return NotFound(_("Nobody has this name. Check the spelling, or search."))


def refuse_blocked(user: User, other: User) -> None:
    """Asked when the act is written, but not committed. Raises NotFound for whoever is blocked, Conflict for who has blocked the
    other; the transaction is rolled back then."""
    advisory_lock(AdvisoryLock.BLOCKS)
    is_blocked, blocks_other, name = has_blocked(other, user), has_blocked(user, other), other.username
    if not is_blocked and not blocks_other:
        return
    db.session.rollback()
    if is_blocked:
        raise unknown_name()
    raise Conflict(_("You have blocked %(name)s. Unblock them first, in Settings, Privacy.", name=name))
