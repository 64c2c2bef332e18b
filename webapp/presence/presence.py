"""Keeps track of who is online.

Every open event stream has a row in `event_connection`, and a person is online as long as they have one. Friends are told when
somebody's first row comes and when the last one goes, in the same transaction. Rows of a process that died expire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from webapp.core.database import affected_rows, db
from webapp.events.outbox import publish
from webapp.friends.relations import friend_ids
from webapp.models import EventConnection, User, now, rfc3339

LIFETIME = timedelta(seconds=30)  # without a heartbeat
GRACE = timedelta(seconds=5)  # after the stream was closed, because going to another page is not going offline


def online(user_ids: Iterable[int] | Select[int]) -> set[int]:
    """Return those of `user_ids` who are online."""
    query = select(EventConnection.user_id).where(EventConnection.user_id.in_(user_ids), EventConnection.expires_at > now())
    return set(db.session.scalars(query))


def watching(user_ids: Iterable[int]) -> set[int]:
    """Return those of `user_ids` who have a page in the foreground."""
    there = EventConnection.expires_at > now(), EventConnection.watching.is_(True)
    return set(db.session.scalars(select(EventConnection.user_id).where(EventConnection.user_id.in_(user_ids), *there)))


def connect(user_id: int, connection_id: str, *, watching: bool, most: int | None = None) -> bool:
    """Add an open event stream, and tell whether there is one: the person may have `most`, in all processes.

    `watching`: its page is in the foreground.
    """
    expire()
    user = _locked(user_id)
    if user is None:  # the account was deleted, and its last stream is about to end
        return True
    until = now() + LIFETIME
    db.session.add(EventConnection(id=connection_id, user_id=user_id, expires_at=until, watching=watching))
    db.session.flush()  # from here on SQLite lets nobody else write
    if most is not None and _open(user_id) > most:
        db.session.rollback()
        return False
    if _connections(user_id) == 1:
        publish(friend_ids(user_id), "friend.online", {"username": user.username}, author=user)
    db.session.commit()
    return True


def heartbeat(connections: Mapping[str, int]) -> None:
    """Put off the expiry of open streams, and add those again that expired while the machine slept.

    `connections`: user ids by connection ids. Called every few seconds.
    """
    _put_off(connections, LIFETIME)
    there = set(db.session.scalars(select(EventConnection.id).where(EventConnection.id.in_(connections))))
    for connection_id in connections.keys() - there:
        connect(
            connections[connection_id], connection_id, watching=False
        )  # unknown by now: one push too many is better than none


def disconnect(connection_ids: Iterable[str]) -> None:
    """Let closed event streams expire after GRACE."""
    _put_off(connection_ids, GRACE, watching=False)


def _put_off(connection_ids: Iterable[str], time: timedelta, **changes: Any) -> None:
    rows = EventConnection.id.in_(connection_ids)
    db.session.execute(update(EventConnection).where(rows).values(expires_at=now() + time, **changes))
    db.session.commit()


def expire() -> None:
    """Delete rows that have run out, and publish who went offline."""
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
            news = {"username": user.username, "last_seen": rfc3339(user.last_seen_at)}
            publish(friend_ids(user_id), "friend.offline", news, author=user)
        db.session.commit()


def _open(user_id: int) -> int:
    """Return how many streams of the person are open: what has been closed expires sooner than what is open can."""
    there = EventConnection.user_id == user_id, EventConnection.expires_at > now() + GRACE
    return db.session.scalar(select(func.count()).where(*there)) or 0


def _connections(user_id: int) -> int:
    return db.session.scalar(select(func.count()).where(EventConnection.user_id == user_id)) or 0


def _locked(user_id: int) -> User | None:
    """Lock the person's row, so that coming and going at the same moment are not published in the wrong order."""
    return db.session.scalar(select(User).where(User.id == user_id).with_for_update())
