"""Reads friendships from the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, case, or_, select

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.models import Friendship, User


def are_friends(a: User, b: User) -> bool:
    return db.session.get(Friendship, pair(a.id, b.id)) is not None


def friend_ids(user_id: int) -> list[int]:
    return list(db.session.scalars(_friend_ids(user_id)))


def friends_of(user: User) -> list[User]:
    """Return the user's friends, ordered by display name."""
    users = db.session.scalars(select(User).where(User.id.in_(_friend_ids(user.id))))
    return sorted(users, key=lambda friend: (friend.display_name.casefold(), friend.username_key))


def friend_for(user: User, username: str) -> User:
    """Return a friend by user name. Raises the same NotFound for strangers and for unknown names."""
    friend = accounts.find(username)
    if friend is None or not are_friends(user, friend):
        raise NotFound
    return friend


def since(user: User, friend: User) -> datetime:
    """Return when the two became friends. Raises NotFound."""
    friendship = db.session.get(Friendship, pair(user.id, friend.id))
    if friendship is None:
        raise NotFound
    return friendship.created_at


def _friend_ids(user_id: int) -> Select[int]:
    other = case((Friendship.low_id == user_id, Friendship.high_id), else_=Friendship.low_id)
    return select(other).where(or_(Friendship.low_id == user_id, Friendship.high_id == user_id))


def pair(a: int, b: int) -> tuple[int, int]:
    """Return the two ids in the order in which rows about both hold them."""
    return (a, b) if a < b else (b, a)
