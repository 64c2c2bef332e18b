"""Begins and ends friendships."""

from __future__ import annotations

from sqlalchemy import delete, update

from webapp.core.database import affected_rows, db
from webapp.events.outbox import publish
from webapp.friends import blocks
from webapp.friends.relations import friend_for, pair
from webapp.friends.signals import friendship_ended
from webapp.models import FriendRequest, Friendship, User


def befriend(inviter: User, guest: User) -> None:
    """Friends by an invite link, in the current transaction; an open request between them is answered with it. Raises as
    `refuse_blocked` does."""
    low, high = pair(inviter.id, guest.id)
    pending = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    db.session.execute(update(FriendRequest).where(*pending).values(status="accepted"))
    db.session.add(Friendship(low_id=low, high_id=high))
    blocks.refuse_blocked(guest, inviter)
    publish([inviter.id], "friend.added", {"username": guest.username})
    publish([guest.id], "friend.added", {"username": inviter.username})


def unfriend(user: User, username: str) -> None:
    """Ends the friendship, and with it what each hears of the other at this moment. Raises NotFound."""
    friend = friend_for(user, username)
    part(user, friend)
    db.session.commit()
    friendship_ended.send(user, friend=friend)


def part(user: User, other: User) -> bool:
    """Ends a friendship and open requests in the current transaction. Returns whether there was a friendship."""
    low, high = pair(user.id, other.id)
    open_between = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    closed = db.session.scalars(update(FriendRequest).where(*open_between).values(status="cancelled").returning(FriendRequest.id))
    for request_id in closed.all():
        publish([user.id, other.id], "friend_request.closed", {"id": request_id})
    friendship = delete(Friendship).where(Friendship.low_id == low, Friendship.high_id == high)
    if not affected_rows(friendship):
        return False
    publish([user.id], "friend.removed", {"username": other.username})
    publish([other.id], "friend.removed", {"username": user.username})
    return True
