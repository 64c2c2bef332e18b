"""Reads friendships from the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, case, or_, select

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.core.lookalikes import Name
from webapp.models import Friendship, User
from webapp.models.accounts import avatar_url


class Face(NamedTuple):
    """What a list shows of a person. Reading it costs a fifth of reading a User, which counts with hundreds of friends."""

    id: int
    username: str
    display_name: str
    avatar: str | None
    last_seen_at: datetime | None

    @property
    def avatar_url(self) -> str | None:
        return avatar_url(self.avatar)


def are_friends(a: User, b: User) -> bool:
    return db.session.get(Friendship, pair(a.id, b.id)) is not None


def friend_ids(user_id: int) -> list[int]:
    return list(db.session.scalars(friend_ids_query(user_id)))


def friends_of(user: User) -> list[User]:
    """Return the user's friends, ordered by display name."""
    users = db.session.scalars(select(User).where(User.id.in_(friend_ids_query(user.id))))
    return sorted(users, key=lambda friend: (friend.display_name.casefold(), friend.username_key))


def faces_of_friends(user: User) -> list[Face]:
    """Return what lists show of the user's friends, ordered by display name."""
    columns = User.id, User.username, User.display_name, User.avatar, User.last_seen_at
    rows = db.session.execute(select(*columns).where(User.id.in_(friend_ids_query(user.id))))
    return sorted(map(Face._make, rows), key=lambda face: (face.display_name.casefold(), face.username.lower()))


def names_of_friends(user: User) -> list[Name]:
    rows = db.session.execute(select(User.username, User.display_name).where(User.id.in_(friend_ids_query(user.id))))
    return list(map(Name._make, rows))


def friend_for(user: User, username: str) -> User:
    """Return a friend by user name. Raises the same NotFound for strangers and for unknown names."""
    return friendship_with(user, username)[0]


def friendship_with(user: User, username: str) -> tuple[User, Friendship]:
    """Return a friend by user name, and the friendship. Raises as `friend_for` does."""
    if not accounts.USERNAME.fullmatch(username):
        raise NotFound
    mine_is_low = and_(Friendship.low_id == user.id, Friendship.high_id == User.id)
    mine_is_high = and_(Friendship.high_id == user.id, Friendship.low_id == User.id)
    query = select(User, Friendship).join(Friendship, or_(mine_is_low, mine_is_high))
    found = db.session.execute(query.where(User.username_key == username.lower())).one_or_none()
    if found is None:
        raise NotFound
    friend, friendship = found
    return friend, friendship


def since(user: User, friend: User) -> datetime:
    """Return when the two became friends. Raises NotFound."""
    friendship = db.session.get(Friendship, pair(user.id, friend.id))
    if friendship is None:
        raise NotFound
    return friendship.created_at


def friend_ids_query(user_id: int) -> Select[int]:
    """Select the ids of the friends, for use inside another query."""
    other = case((Friendship.low_id == user_id, Friendship.high_id), else_=Friendship.low_id)
    return select(other).where(or_(Friendship.low_id == user_id, Friendship.high_id == user_id))


def pair(a: int, b: int) -> tuple[int, int]:
    """Return the two ids in the order in which rows about both hold them."""
    return (a, b) if a < b else (b, a)
