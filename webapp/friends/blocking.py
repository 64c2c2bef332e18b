"""Blocks and unblocks people.

People who are blocked cannot find, ask or hear whoever blocked them, and do not learn of it: to them, that person's name looks as
if nobody had it. In the chats of common friends, neither is shown what the other writes. A block ends a friendship and open
requests, and lifting it brings neither back.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from webapp.accounts import accounts
from webapp.core.database import AdvisoryLock, advisory_lock, affected_rows, db
from webapp.core.errors import Invalid, NotFound
from webapp.events import outbox
from webapp.friends import friendships, relations
from webapp.friends.blocks import visible
from webapp.friends.signals import friendship_ended
from webapp.models import Block, Event, User


def block(user: User, username: str) -> User:
    """Block somebody; doing it twice changes nothing. Raises Invalid for oneself.

    Raises the same NotFound for unknown names and for people who have blocked `user`.
    """
    other = visible(user, username)
    if other is None:
        raise NotFound(_("There is no user with this name. Check the spelling."))
    if other.id == user.id:
        raise Invalid.field("username", _("That is you."))
    advisory_lock(AdvisoryLock.BLOCKS)
    db.session.add(Block(blocker_id=user.id, blocked_id=other.id))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return other
    for reader, author in ((user, other), (other, user)):
        outbox.take_back(Event.user_id == reader.id, Event.author_id == author.id)
    were_friends = friendships.end_friendship(user, other)
    _load_chats_again(user, other)
    db.session.commit()
    if were_friends:
        friendship_ended.send(user, friend=other)
    return other


def unblock(user: User, username: str) -> User:
    """Lift a block. Raises NotFound unless the person is blocked."""
    other = accounts.find(username)
    theirs = delete(Block).where(Block.blocker_id == user.id, Block.blocked_id == (other.id if other else None))
    if other is None or not affected_rows(theirs):
        raise NotFound
    _load_chats_again(user, other)
    db.session.commit()
    return other


def _load_chats_again(user: User, other: User) -> None:
    """Let the open pages of both ask again for what they show, if they may be in the company of a common friend."""
    if set(relations.friend_ids(user.id)) & set(relations.friend_ids(other.id)):
        outbox.publish([user.id, other.id], "resync", {})
