"""Manages invite links.

Each works once and for a week: whoever opens it registers or logs in, and becomes the inviter's friend.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict, Gone, NotFound
from webapp.friends import blocks, friendships, relations
from webapp.models import Invite, User, now

LIFETIME = timedelta(days=7)
KEPT = timedelta(days=30)  # after the end: the page for a used or expired link can say so
MAX_OPEN = 20


def open_invites(inviter: User) -> list[Invite]:
    """Return the links that still work, newest first."""
    return list(db.session.scalars(select(Invite).where(*_open(inviter)).order_by(Invite.created_at.desc())))


def make(inviter: User) -> Invite:
    """Make a link. Raises Conflict when the inviter has too many open ones."""
    db.session.add(invite := Invite(inviter=inviter, expires_at=now() + LIFETIME))
    db.session.flush()  # SQLite lets nobody else write from here on
    if (db.session.scalar(select(func.count()).where(*_open(inviter))) or 0) > MAX_OPEN:
        db.session.rollback()
        raise Conflict(_("You have %(count)d open invite links. Send one of those, or withdraw some first.", count=MAX_OPEN))
    db.session.commit()
    return invite


def withdraw(inviter: User, invite_id: str) -> None:
    """Delete a link. Raises NotFound unless it is one's own and still works."""
    if not affected_rows(delete(Invite).where(Invite.id == invite_id, *_open(inviter))):
        raise NotFound
    db.session.commit()


def invite_for_guest(invite_id: str, guest: User | None = None) -> Invite:
    """Return the invite for whoever has the link.

    Raises NotFound when nobody knows it, its inviter is suspended or has blocked the guest, and Gone when it has been used or is
    too old.
    """
    invite = db.session.get(Invite, invite_id)
    if (
        invite is None
        or invite.inviter.suspended_at is not None
        or (guest is not None and blocks.has_blocked(invite.inviter, guest))
    ):
        raise NotFound(_("This invite link is unknown. Check that all of it was copied, or ask for a new one."))
    name = invite.inviter.display_name
    if invite.used_at is not None:
        raise Gone(_("This invite link has already been used; each works only once. Ask %(name)s for a new one.", name=name))
    if invite.expires_at <= now():
        raise Gone(_("This invite link has expired. Ask %(name)s for a new one.", name=name))
    return invite


def use(invite: Invite, guest: User) -> None:
    """Make the inviter and the guest friends, in the current transaction.

    Raises Gone when somebody else was quicker, Conflict for those who are friends already (the link stays good) and for one's own
    link, and as `friendships.refuse_blocked` does; the transaction is rolled back then.
    """
    inviter = invite.inviter
    if inviter.id == guest.id or relations.are_friends(inviter, guest):
        name = inviter.display_name
        db.session.rollback()
        if inviter.id == guest.id:
            raise Conflict(_("This is your own invite link."))
        raise Conflict(_("You and %(name)s are already friends.", name=name))
    mine = update(Invite).where(Invite.id == invite.id, Invite.used_at.is_(None), Invite.expires_at > now())
    if not affected_rows(mine.values(used_at=now())):
        db.session.rollback()
        invite_for_guest(invite.id)
    friendships.befriend(inviter, guest)


def withdraw_all(inviter: User) -> None:
    """Delete every link that still works, in the current transaction."""
    db.session.execute(delete(Invite).where(*_open(inviter)))


def prune() -> None:
    """Delete the oldest links. The caller commits."""
    db.session.execute(delete(Invite).where(Invite.expires_at < now() - KEPT))


def _open(inviter: User) -> tuple[Any, ...]:
    return Invite.inviter_id == inviter.id, Invite.used_at.is_(None), Invite.expires_at > now()
