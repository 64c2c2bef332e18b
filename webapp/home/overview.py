"""Finds the people around somebody for the sidebar and the home page, in a fixed number of queries, however many friends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from webapp.core.database import db
from webapp.friends import relations
from webapp.friends import requests as friend_requests
from webapp.models import FriendRequest, Stream, User
from webapp.presence import presence
from webapp.streams import queries as stream_queries

SIDEBAR_MAX = 40
"""People in each list of the sidebar, which is drawn again at every event; the friends page has all."""


@dataclass(frozen=True)
class Friend:
    user: User
    online: bool
    stream: Stream | None  # on air at this moment
    last_live_at: datetime | None  # beginning of the last stream that friends could hear


@dataclass(frozen=True)
class Overview:
    """The people around somebody. Lists may be cut; the counts are whole."""

    received: list[FriendRequest]
    sent: list[FriendRequest]
    live: list[Friend]  # who has been on air longest comes first, so that a new one never pushes the others down
    quiet: list[Friend]  # by display name
    received_count: int
    sent_count: int
    live_count: int
    quiet_count: int
    own_stream: Stream | None  # not ended; on air or still before it

    @property
    def friend_count(self) -> int:
        return self.live_count + self.quiet_count

    @property
    def is_cut(self) -> bool:
        shown = len(self.received) + len(self.sent) + len(self.live) + len(self.quiet)
        return shown < self.received_count + self.sent_count + self.friend_count


def overview_of(user: User, maximum: int | None = SIDEBAR_MAX) -> Overview:
    """Return the people around `user`. `maximum`: entries in each list; None for all."""
    users = relations.friends_of(user)
    on_air = stream_queries.on_air_streams([friend.id for friend in users])
    live = sorted((friend for friend in users if friend.id in on_air), key=lambda friend: (on_air[friend.id].live_at, friend.id))
    quiet = [friend for friend in users if friend.id not in on_air]
    requests = friend_requests.requests_of(user)
    shown = live[:maximum] + quiet[:maximum]
    ids = [friend.id for friend in shown]
    online, last_live = presence.online(ids), last_live_at(ids)
    rows = {friend.id: Friend(friend, friend.id in online, on_air.get(friend.id), last_live.get(friend.id)) for friend in shown}
    return Overview(
        received=requests.received[:maximum],
        sent=requests.sent[:maximum],
        live=[rows[friend.id] for friend in live[:maximum]],
        quiet=[rows[friend.id] for friend in quiet[:maximum]],
        received_count=len(requests.received),
        sent_count=len(requests.sent),
        live_count=len(live),
        quiet_count=len(quiet),
        own_stream=stream_queries.running_stream_of(user),
    )


def last_live_at(user_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when each of them was on air last; who never was is missing."""
    was_live = Stream.owner_id.in_(list(user_ids)), Stream.live_at.is_not(None)
    rows = db.session.execute(select(Stream.owner_id, func.max(Stream.live_at)).where(*was_live).group_by(Stream.owner_id))
    return {owner_id: moment for owner_id, moment in rows if moment is not None}
