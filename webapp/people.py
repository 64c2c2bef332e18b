"""The people around somebody, as the sidebar and the home page show them. A fixed number of queries, however many friends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from webapp import broadcasts, friendships, presence
from webapp.extensions import db
from webapp.models import FriendRequest, Stream, User


@dataclass(frozen=True)
class Friend:
    user: User
    online: bool
    stream: Stream | None               # on air at this moment
    last_live_at: datetime | None       # beginning of the last stream that friends could hear


@dataclass(frozen=True)
class Company:
    received: list[FriendRequest]
    sent: list[FriendRequest]
    friends: list[Friend]               # by display name
    own_stream: Stream | None           # not ended; on air or still before it

    @property
    def live(self) -> list[Friend]:
        """Who has been on air longest comes first, so that a new one never pushes the others down."""
        on_air = [friend for friend in self.friends if friend.stream is not None]
        return sorted(on_air, key=lambda friend: (friend.stream and friend.stream.live_at, friend.user.id))

    @property
    def quiet(self) -> list[Friend]:
        return [friend for friend in self.friends if friend.stream is None]


def company_of(user: User) -> Company:
    users = friendships.friends_of(user)
    ids = [friend.id for friend in users]
    online, on_air, last_live = presence.online(ids), broadcasts.on_air_streams(ids), last_live_at(ids)
    requests = friendships.requests_of(user)
    return Company(
        received=requests.received,
        sent=requests.sent,
        friends=[Friend(friend, friend.id in online, on_air.get(friend.id), last_live.get(friend.id)) for friend in users],
        own_stream=broadcasts.running_stream_of(user),
    )


def last_live_at(user_ids: Iterable[int]) -> dict[int, datetime]:
    """When each of them was on air last; who never was is missing."""
    was_live = Stream.owner_id.in_(list(user_ids)), Stream.live_at.is_not(None)
    rows = db.session.execute(select(Stream.owner_id, func.max(Stream.live_at)).where(*was_live).group_by(Stream.owner_id))
    return {owner_id: moment for owner_id, moment in rows if moment is not None}
