"""Notifies people when a friend goes live.

Open pages get the event `notice.live`. People who have no page in the foreground get a push in each browser in which they have
switched that on. Everybody can mute friends; nobody is muted to begin with.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select

from webapp.core.database import db
from webapp.events import outbox
from webapp.friends import relations
from webapp.models import LoginSession, MutedNotification, PushMessage, PushSubscription, Stream, User, now
from webapp.presence import presence
from webapp.security import rate_limits
from webapp.security.headers import SESSION_LIFETIME


def publish_live(stream: Stream) -> None:
    """Notify friends of a stream, unless its owner has gone live too often in the last hour.

    Call it in the transaction that puts the stream on air for the first time.
    """
    owner = stream.owner
    if rate_limits.is_reached("live notice", owner.id):
        return
    rate_limits.record("live notice", owner.id)
    muted_by = set(db.session.scalars(select(MutedNotification.user_id).where(MutedNotification.friend_id == owner.id)))
    told = [friend_id for friend_id in relations.friend_ids(owner.id) if friend_id not in muted_by]
    data = {"username": owner.username, "display_name": owner.display_name, "title": stream.title}
    outbox.publish(told, "notice.live", data, author=owner, about=stream.id)
    away = set(told) - presence.watching(told)
    browsers = select(PushSubscription.id).join(LoginSession)
    logged_in = browsers.where(LoginSession.user_id.in_(away), LoginSession.seen_at > now() - SESSION_LIFETIME)
    db.session.add_all(PushMessage(subscription_id=found, stream_id=stream.id) for found in db.session.scalars(logged_in))


def wants(user_id: int, friend_id: int) -> bool:
    """Tell whether the user is notified of this friend."""
    return db.session.get(MutedNotification, (user_id, friend_id)) is None


def muted_friend_ids(user: User) -> set[int]:
    """Return the ids of the friends whom the user has muted."""
    return set(db.session.scalars(select(MutedNotification.friend_id).where(MutedNotification.user_id == user.id)))


def choose(user: User, shown: Collection[str], wanted: Collection[str]) -> None:
    """Mute all friends `shown` but those `wanted`; both are user names. Friends who were not shown stay as they are."""
    friends = [friend for friend in relations.friends_of(user) if friend.username in shown]
    ids = [friend.id for friend in friends]
    db.session.execute(
        delete(MutedNotification).where(MutedNotification.user_id == user.id, MutedNotification.friend_id.in_(ids))
    )
    db.session.add_all(
        MutedNotification(user_id=user.id, friend_id=friend.id) for friend in friends if friend.username not in wanted
    )
    db.session.commit()
