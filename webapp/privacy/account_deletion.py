"""Deletes an account for good.

The account goes at once, with everything that refers to it. The files of its recordings follow within seconds
(webapp.recordings.retention), and friends' pages are told.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnExpressionArgument, func, select

from webapp.accounts import accounts, former_names, notices
from webapp.audio_server.client import AudioServerUnreachable
from webapp.chat import archive
from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.core.errors import Conflict, Invalid
from webapp.events.outbox import publish
from webapp.friends import relations
from webapp.friends import requests as friend_requests
from webapp.models import Stream, User, now
from webapp.profiles import avatars
from webapp.recordings import editing, retention
from webapp.security import audit
from webapp.streams import queries, rooms, shut_out, state

ROOMS_CLOSE = timedelta(minutes=10)  # after a stream's end the reconciler has closed its rooms, if it can at all


def needs_successor(user: User) -> bool:
    """Return whether the person is the only admin and leaves others behind."""
    return user.is_admin and not is_alone(user) and not _count(User.id != user.id, *accounts.ACTIVE_ADMIN)


def is_alone(user: User) -> bool:
    """Return whether there is nobody else on this server."""
    return not _count(User.id != user.id)


def leave(user: User, successor_name: str = "") -> None:
    """Delete one's own account. `successor_name`: the next admin, when there would be none.

    Raises Invalid, and as `delete` does.
    """
    successor = None
    if needs_successor(user):
        successor = accounts.find(successor_name.strip())
        if successor is None or successor.id == user.id or successor.suspended_at is not None:
            raise Invalid.field("successor", _("There is no other user with this name. Nothing was deleted."))
    delete(user, successor)


def delete(user: User, successor: User | None = None, *, by: User | None = None) -> None:
    """Delete an account. `by`: the admin, when it is not the person.

    Raises Conflict, and nothing is deleted then: people would be left without an admin, the stream cannot be ended, or something
    written cannot be taken out of a chat that is kept.
    """
    _end_stream(user)
    advisory_lock(AdvisoryLock.FIRST_ACCOUNT)
    if successor is not None:
        successor.is_admin = True
        audit.record(user, "admin.made", successor)
        notices.notify(successor, "admin.made", successor.username)
    audit.record(by or user, "person.deleted", user)
    retention.discard_all_of(user)
    _tell(user)
    avatar, friend_ids = user.avatar, relations.friend_ids(user.id)
    former_names.retire(user.username)
    db.session.delete(user)
    db.session.flush()  # from here on no other admin can leave at this moment
    if (by is not None or _count()) and not _count(*accounts.ACTIVE_ADMIN):
        db.session.rollback()
        raise Conflict(_("You are the only admin here now. Nothing was deleted. Name the next admin first."))
    try:
        archive.forget_author(user)
        editing.forget_listener(user)
    except Conflict:
        db.session.rollback()
        raise
    db.session.commit()
    shut_out.shut_out(friend_ids)
    if avatar is not None:
        avatars.folder().delete(avatar)


def _end_stream(user: User) -> None:
    """End the person's stream and close its rooms, or its sound would go on without an owner. Raises Conflict."""
    stream = db.session.scalar(select(Stream).where(Stream.owner_id == user.id).order_by(Stream.started_at.desc()).limit(1))
    if stream is None or (stream.ended_at is not None and stream.ended_at < now() - ROOMS_CLOSE):
        return
    state.end(stream)
    names = queries.rooms_of(stream).names
    db.session.commit()
    try:
        closed = not rooms.audio_server().rooms(names)
    except AudioServerUnreachable:
        closed = False
    if not closed:
        message = _("Your stream has ended, but the audio server does not answer. Nothing was deleted. Try again in a minute.")
        raise Conflict(message)


def _tell(user: User) -> None:
    publish(relations.friend_ids(user.id), "friend.removed", {"username": user.username})
    requests = friend_requests.requests_of(user)
    for request in requests.received + requests.sent:
        others = {request.sender_id, request.receiver_id} - {user.id}
        publish(others, "friend_request.closed", {"id": request.id})


def _count(*conditions: ColumnExpressionArgument[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(User).where(*conditions)) or 0
