"""Blocking. Somebody who is blocked cannot find, ask or hear whoever blocked them, and is not told: for them that person is like
a name that nobody has. It ends a friendship and open requests; taking it back brings neither again."""

from __future__ import annotations

from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import CursorResult, Select, delete, select
from sqlalchemy.exc import IntegrityError

from webapp import accounts
from webapp.errors import Invalid, NotFound
from webapp.extensions import db, take_turn
from webapp.models import Block, User

TURN = 0x5713           # take_turn key: a request or an invite link that is used while somebody blocks


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


def block(user: User, username: str) -> User:
    """Raises NotFound alike for nobody and for those who have blocked `user`, Invalid for oneself. Twice does no harm."""
    from webapp import broadcasts, friendships  # not at the top: they ask this module who is blocked

    other = visible(user, username)
    if other is None:
        raise NotFound(_("Nobody has this name. Check the spelling."))
    if other.id == user.id:
        raise Invalid.field("username", _("That is you."))
    take_turn(TURN)
    db.session.add(Block(blocker_id=user.id, blocked_id=other.id))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return other
    were_friends = friendships.part(user, other)
    db.session.commit()
    if were_friends:
        broadcasts.shut_out(user, other)
        broadcasts.shut_out(other, user)
    return other


def unblock(user: User, username: str) -> User:
    """Raises NotFound unless the person is blocked."""
    other = accounts.find(username)
    theirs = delete(Block).where(Block.blocker_id == user.id, Block.blocked_id == (other.id if other else None))
    if other is None or not cast("CursorResult[Any]", db.session.execute(theirs)).rowcount:
        raise NotFound
    db.session.commit()
    return other
