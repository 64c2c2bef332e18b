"""Reads who has blocked whom."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import Select, case, or_, select

from webapp.accounts import accounts
from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.core.errors import Conflict, NotFound
from webapp.models import Block, User


def has_blocked(blocker: User, other: User) -> bool:
    return db.session.get(Block, (blocker.id, other.id)) is not None


def blockers_of(user: User) -> Select[int]:
    """Select the ids of the users who have blocked `user`."""
    return select(Block.blocker_id).where(Block.blocked_id == user.id)


def blocked_ids(user: User) -> set[int]:
    return set(db.session.scalars(select(Block.blocked_id).where(Block.blocker_id == user.id)))


def apart_from(user: User) -> Select[int]:
    """Select the ids of the users who have blocked `user` or are blocked by `user`: in no company does one see the other."""
    other = case((Block.blocker_id == user.id, Block.blocked_id), else_=Block.blocker_id)
    return select(other).where(or_(Block.blocker_id == user.id, Block.blocked_id == user.id))


def blocks_of(user: User) -> list[Block]:
    """Return the user's blocks, newest first."""
    return list(db.session.scalars(select(Block).where(Block.blocker_id == user.id).order_by(Block.created_at.desc())))


def visible(viewer: User, username: str) -> User | None:
    """Find somebody by user name. Returns None for unknown names and for people who have blocked the viewer."""
    found = accounts.find(username)
    return None if found is None or has_blocked(found, viewer) else found


def unknown_name() -> NotFound:
    return NotFound(_("There is no user with this name. Check the spelling, or search."))


def refuse_blocked(user: User, other: User) -> None:
    """Refuse an act between two people of whom one has blocked the other. Call it before the commit.

    Raises NotFound if `user` is blocked, and Conflict if `user` has blocked the other. The transaction is rolled back then.
    """
    advisory_lock(AdvisoryLock.BLOCKS)
    is_blocked, blocks_other, name = has_blocked(other, user), has_blocked(user, other), other.username
    if not is_blocked and not blocks_other:
        return
    db.session.rollback()
    if is_blocked:
        raise unknown_name()
    raise Conflict(_("You have blocked %(name)s. Unblock them first, in Settings, Privacy.", name=name))
