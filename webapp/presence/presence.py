"""Who is online. A row of `event_connection` is an open event stream; somebody is online as long as a row of theirs is there.
Friends are told when the first comes and the last goes, in the same transaction. A row whose process died expires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from webapp.core.database import affected_rows, db
from webapp.events.outbox import publish
from webapp.friends.relations import friend_ids
from webapp.models import EventConnection, User, now, rfc3339

LIFETIME = timedelta(seconds=30)  # without being kept
GRACE = timedelta(seconds=5)  # after the stream closed: going to another page is not going offline


def online(user_ids: Iterable[int]) -> set[int]:
    """Those of `user_ids` who are online."""
    query = select(EventConnection.user_id).where(EventConnection.user_id.in_(user_ids), EventConnection.expires_at > now())
    return set(db.session.scalars(query))


def watching(user_ids: Iterable[int]) -> set[int]:
    """Those of `user_ids` who have a page in sight; one in the background, or in a pocket, does not count."""
    there = EventConnection.expires_at > now(), EventConnection.watching.is_(True)
    return set(db.session.scalars(select(EventConnection.user_id).where(EventConnection.user_id.in_(user_ids), *there)))


def enter(user_id: int, connection_id: str, *, watching: bool) -> None:
    sweep()
    user = _locked(user_id)
    if user is None:  # the account is deleted, and its last stream about to end
        return
    until = now() + LIFETIME
    db.session.add(EventConnection(id=connection_id, user_id=user_id, expires_at=until, watching=watching))
    db.session.flush()  # SQLite lets nobody else write from here on
    if _connections(user_id) == 1:
        publish(friend_ids(user_id), "friend.online", {"username": user.username})
    db.session.commit()


def keep(connections: Mapping[str, int]) -> None:
    """Called every few seconds for the open streams, id -> user. One that was given up while the machine slept comes back."""
    _put_off(connections, LIFETIME)
    there = set(db.session.scalars(select(EventConnection.id).where(EventConnection.id.in_(connections))))
    for connection_id in connections.keys() - there:
        enter(connections[connection_id], connection_id, watching=False)  # not known any more: rather a push too many


def leave(connection_id: str) -> None:
    _put_off([connection_id], GRACE, watching=False)


def _put_off(connection_ids: Iterable[str], time: timedelta, **changes: Any) -> None:
    rows = EventConnection.id.in_(connection_ids)
    db.session.execute(update(EventConnection).where(rows).values(expires_at=now() + time, **changes))
    db.session.commit()


def sweep() -> None:
    """Removes what has run out, and says who went offline."""
    owners = select(EventConnection.user_id).where(EventConnection.expires_at <= now()).distinct()
    for user_id in db.session.scalars(owners).all():
        user = _locked(user_id)
        if user is None:
            continue
        mine = EventConnection.user_id == user_id
        expired = delete(EventConnection).where(mine, EventConnection.expires_at <= now())
        gone = affected_rows(expired)
        if gone and not _connections(user_id):
            user.last_seen_at = now()
            publish(friend_ids(user_id), "friend.offline", {"username": user.username, "last_seen": rfc3339(user.last_seen_at)})
        db.session.commit()


def _connections(user_id: int) -> int:
    return db.session.scalar(select(func.count()).where(EventConnection.user_id == user_id)) or 0


def _locked(user_id: int) -> User | None:
    """The person, for one transaction at a time: coming and going at once must not be told in the wrong order."""
    return db.session.scalar(select(User).where(User.id == user_id).with_for_update())
