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
    """Make two people friends by an invite link, which also answers an open request. The caller commits.

    Raises as webapp.friends.blocks.refuse_blocked does.
    """
    low, high = pair(inviter.id, guest.id)
    pending = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    db.session.execute(update(FriendRequest).where(*pending).values(status="accepted"))
    db.session.add(Friendship(low_id=low, high_id=high))
    blocks.refuse_blocked(guest, inviter)
    publish([inviter.id], "friend.added", {"username": guest.username}, author=guest)
    publish([guest.id], "friend.added", {"username": inviter.username}, author=inviter)


def unfriend(user: User, username: str) -> None:
    """End a friendship, and commit. Raises NotFound."""
    friend = friend_for(user, username)
    end_friendship(user, friend)
    db.session.commit()
    friendship_ended.send(user, friend=friend)


def end_friendship(user: User, other: User) -> bool:
    """End a friendship and open requests. The caller commits. Returns whether there was a friendship."""
    low, high = pair(user.id, other.id)
    open_between = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    closed = db.session.scalars(update(FriendRequest).where(*open_between).values(status="cancelled").returning(FriendRequest.id))
    for request_id in closed.all():
        publish([user.id, other.id], "friend_request.closed", {"id": request_id})
    friendship = delete(Friendship).where(Friendship.low_id == low, Friendship.high_id == high)
    if not affected_rows(friendship):
        return False
    publish([user.id], "friend.removed", {"username": other.username}, author=other)
    publish([other.id], "friend.removed", {"username": user.username}, author=user)
    return True
