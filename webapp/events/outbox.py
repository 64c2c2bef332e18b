"""What happens, told to the pages of those it concerns. `publish` writes into the table `event` in the transaction of the change,
so an event is told exactly when its change is true; `GET /events` tails the table (webapp.presence.hub), the reconciler
prunes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select

from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.models import Event, now

STREAM = "username, display_name, stream"
RECORDING = "id, username, title, duration"
KINDS: Mapping[str, str] = {
    "friend.online": "username",
    "friend.offline": "username, last_seen",
    "friend.added": "username; by an invite link, both people are told, each with the other's name",
    "friend.renamed": "username, display_name, avatar (address or null); told to friends, open requests and oneself",
    "friend.removed": "username; both people are told, each with the other's name",
    "friend_request.received": "id, username, created_at",
    "friend_request.accepted": "id, username; both people are told, each with the other's name",
    "friend_request.closed": "id; rejected, taken back, or one has blocked the other, both people are told",
    "notice.live": "username, display_name, title; a friend has gone live, told to who wants to hear of it",
    "stream.live": STREAM,
    "stream.title": STREAM,
    "stream.moved": f"{STREAM}; ask for a new ticket to go on listening",
    "stream.ended": STREAM,
    "chat.message": "stream, message",
    "chat.deleted": "stream, id",
    "chat.muted": "stream, username, muted; told to the owner and to whom it concerns",
    "chat.reaction": "stream, kind, counts",
    "chat.reactions": "stream, on",
    "recording.ready": RECORDING,
    "recording.removed": "id",
    "resync": "nothing: too much was missed, load the lists again",
}
"""What is told, and the fields of its data; times are RFC 3339."""

KEPT = timedelta(days=1)


def publish(user_ids: Iterable[int], kind: str, data: dict[str, Any]) -> None:
    """Tells `user_ids` when the current transaction is committed."""
    rows = [Event(user_id=user_id, kind=kind, data=data) for user_id in user_ids]
    if rows:
        db.session.flush()  # its locks first: whoever has the turn waits for nobody
        advisory_lock(AdvisoryLock.EVENTS)  # PostgreSQL gives ids out before the commit; a reader must never see 6 before 5
        db.session.add_all(rows)


def latest_id() -> int:
    """Where a page that is drawn now goes on reading: `GET /events?after=ID`."""
    return db.session.scalar(select(func.max(Event.id))) or 0


def after(user_id: int, last_id: int) -> list[Event]:
    query = select(Event).where(Event.user_id == user_id, Event.id > last_id).order_by(Event.id)
    return list(db.session.scalars(query))


def concerned_after(last_id: int) -> set[int]:
    """Ids of the people who have events after `last_id`."""
    return set(db.session.scalars(select(Event.user_id).where(Event.id > last_id).distinct()))


def is_resumable(last_id: int) -> bool:
    """False when events after `last_id` may be gone, or when it comes from another database."""
    oldest, newest = db.session.execute(select(func.min(Event.id), func.max(Event.id))).one()
    return bool(last_id == 0 if newest is None else oldest - 1 <= last_id <= newest)


def prune() -> None:
    """Deletes what is older than a day, but for the newest: `is_resumable` needs to know how far the ids are."""
    db.session.execute(delete(Event).where(Event.at < now() - KEPT, Event.id < latest_id()))
