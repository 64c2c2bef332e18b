"""The outbox of events for open pages (webapp.events.kinds).

`publish` writes into the table `event` in the same transaction as the change, so an event is sent if and only if its change is
committed. `GET /events` reads new rows (webapp.presence.hub), and the reconciler deletes old ones.

What people take back is taken out of the rows as well, in the transaction in which they do so: an event that carries somebody's
name or words says whose they are and what it is about, and goes with the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.models import Event, User, now

KEPT = timedelta(days=1)
AT_ONCE = 5000


def publish(
    user_ids: Iterable[int], kind: str, data: Mapping[str, object], *, author: User | None = None, about: str = ""
) -> None:
    """Send an event to these people as soon as the current transaction is committed.

    `data`: as webapp.events.kinds has it. `author`: whose name or words are in it. `about`: the id of the message, stream or
    recording of which it tells.
    """
    author_id = author.id if author is not None else None
    rows = [Event(user_id=user_id, kind=kind, data=dict(data), author_id=author_id, about=about) for user_id in user_ids]
    if rows:
        db.session.flush()  # take row locks before the advisory lock, or two writers can wait for each other
        advisory_lock(AdvisoryLock.EVENTS)  # PostgreSQL hands ids out before the commit; nobody may read 6 before 5
        db.session.add_all(rows)


def take_back(*conditions: ColumnElement[bool]) -> None:
    """Delete events whose words somebody has taken back. The caller commits."""
    db.session.execute(delete(Event).where(*conditions))


def rewrite(condition: ColumnElement[bool], **words: str) -> None:
    """Write new words over the old ones in events, wherever they have a field of that name. The caller commits."""
    for event in db.session.scalars(select(Event).where(condition)):
        event.data = _with(event.data, words)


def _with(data: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    return {key: words.get(key, _with(value, words) if isinstance(value, dict) else value) for key, value in data.items()}


def latest_id() -> int:
    """Return the id after which a page that is rendered now goes on reading: `GET /events?after=ID`."""
    return db.session.scalar(select(func.max(Event.id))) or 0


def after(user_id: int, last_id: int) -> list[Event]:
    """Return the events for one person that came after `last_id`, oldest first."""
    query = select(Event).where(Event.user_id == user_id, Event.id > last_id).order_by(Event.id)
    return list(db.session.scalars(query))


def all_after(last_id: int) -> list[Event]:
    """Return everybody's events that came after `last_id`, oldest first."""
    return list(db.session.scalars(select(Event).where(Event.id > last_id).order_by(Event.id).limit(AT_ONCE)))


def is_resumable(last_id: int) -> bool:
    """Tell whether no event after `last_id` can be missing. False also for an id from another database."""
    oldest, newest = db.session.execute(select(func.min(Event.id), func.max(Event.id))).one()
    return bool(last_id == 0 if newest is None else oldest - 1 <= last_id <= newest)


def prune() -> None:
    """Delete events older than KEPT, except the newest one, from which `is_resumable` knows how far the ids have come."""
    db.session.execute(delete(Event).where(Event.at < now() - KEPT, Event.id < latest_id()))
