"""Finds the people around somebody for the sidebar and the home page, in a fixed number of queries, however many friends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, func, select

from webapp.core.database import db
from webapp.core.lookalikes import Name, ambiguous
from webapp.friends import relations
from webapp.friends import requests as friend_requests
from webapp.friends.relations import Face
from webapp.models import FriendRequest, Stream, User
from webapp.presence import presence
from webapp.streams import queries as stream_queries

SIDEBAR_MAX = 40
"""People in each list of the sidebar, which is drawn again at every event; the friends page has all."""


@dataclass(frozen=True)
class Friend:
    user: Face
    online: bool
    stream: Stream | None  # on air at this moment
    last_live_at: datetime | None  # beginning of the last stream that friends could hear
    ambiguous: bool  # the name looks like that of another friend or of the user, so the user name belongs beside it


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

    def cut(self, maximum: int) -> Overview:
        """Return the same with at most `maximum` entries in each list."""
        return replace(
            self,
            received=self.received[:maximum],
            sent=self.sent[:maximum],
            live=self.live[:maximum],
            quiet=self.quiet[:maximum],
        )


def overview_of(user: User, maximum: int | None = SIDEBAR_MAX) -> Overview:
    """Return the people around `user`. `maximum`: entries in each list; None for all."""
    faces = relations.faces_of_friends(user)
    on_air = stream_queries.running_around(user)
    own_stream = on_air.pop(user.id, None)
    live = sorted((face for face in faces if face.id in on_air), key=lambda face: (on_air[face.id].live_at, face.id))
    quiet = [face for face in faces if face.id not in on_air]
    requests = friend_requests.requests_of(user)
    shown = live[:maximum] + quiet[:maximum]
    ids = relations.friend_ids_query(user.id) if maximum is None else [face.id for face in shown]
    online, last_live = presence.online(ids), last_live_at(ids)
    names = {face.id: Name(face.username, face.display_name) for face in faces}
    unclear = ambiguous([Name(user.username, user.display_name), *names.values()])
    rows = {
        face.id: Friend(face, face.id in online, on_air.get(face.id), last_live.get(face.id), names[face.id] in unclear)
        for face in shown
    }
    return Overview(
        received=requests.received[:maximum],
        sent=requests.sent[:maximum],
        live=[rows[face.id] for face in live[:maximum]],
        quiet=[rows[face.id] for face in quiet[:maximum]],
        received_count=len(requests.received),
        sent_count=len(requests.sent),
        live_count=len(live),
        quiet_count=len(quiet),
        own_stream=own_stream,
    )


def last_live_at(user_ids: Iterable[int] | Select[int]) -> dict[int, datetime]:
    """Return when each of them was on air last; who never was is missing."""
    was_live = Stream.owner_id.in_(user_ids), Stream.live_at.is_not(None)
    rows = db.session.execute(select(Stream.owner_id, func.max(Stream.live_at)).where(*was_live).group_by(Stream.owner_id))
    return {owner_id: moment for owner_id, moment in rows if moment is not None}
