"""The outbox of events for open pages (webapp.events.kinds).

`publish` writes into the table `event` in the same transaction as the change, so an event is sent if and only if its change is
committed. `GET /events` reads new rows (webapp.presence.hub), and the reconciler deletes old ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import delete, func, select

from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.models import Event, now

KEPT = timedelta(days=1)
AT_ONCE = 5000


def publish(user_ids: Iterable[int], kind: str, data: Mapping[str, object]) -> None:
    """Send an event to these people as soon as the current transaction is committed. `data`: as webapp.events.kinds has it."""
    rows = [Event(user_id=user_id, kind=kind, data=dict(data)) for user_id in user_ids]
    if rows:
        db.session.flush()  # take row locks before the advisory lock, or two writers can wait for each other
        advisory_lock(AdvisoryLock.EVENTS)  # PostgreSQL hands ids out before the commit; nobody may read 6 before 5
        db.session.add_all(rows)


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
