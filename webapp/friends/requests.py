"""Friend requests. Unique constraints decide races: each pair has at most one open request and one friendship."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from webapp.accounts import accounts
from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.events.outbox import publish
from webapp.friends import blocks
from webapp.friends.relations import are_friends, friend_ids, pair
from webapp.models import FriendRequest, Friendship, User, rfc3339
from webapp.security import rate_limits


@dataclass(frozen=True)
class Requests:
    """The open requests of one person, newest first."""

    received: list[FriendRequest]
    sent: list[FriendRequest]


def acquaintance_ids(user: User) -> set[int]:
    """Return the ids of friends and of people with an open request from or to the user."""
    requests = requests_of(user)
    asked = {request.receiver_id for request in requests.sent} | {request.sender_id for request in requests.received}
    return asked | set(friend_ids(user.id))


def requests_of(user: User) -> Requests:
    """Return the user's open requests, with sender and receiver loaded."""
    people = joinedload(FriendRequest.sender), joinedload(FriendRequest.receiver)
    query = _open_requests().where(_concerns(user)).options(*people).order_by(FriendRequest.created_at.desc())
    found = list(db.session.scalars(query))
    return Requests(
        received=[request for request in found if request.receiver_id == user.id],
        sent=[request for request in found if request.sender_id == user.id],
    )


def send(user: User, username: str) -> FriendRequest:
    """Send a request, or accept the open request of the other one. Raises NotFound, Invalid for oneself, Conflict and TooMany."""
    other = accounts.find(username)
    if other is None:
        raise blocks.unknown_name()
    if other.id == user.id:
        raise Invalid.field("username", _("That is you."))
    low, high = pair(user.id, other.id)
    db.session.add(request := FriendRequest(sender=user, receiver=other, low_id=low, high_id=high))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return _meet(user, other)
    blocks.refuse_blocked(user, other)
    if are_friends(user, other):  # checked only now, when nobody can accept another request between these two
        raise Conflict(_("%(name)s is already your friend.", name=other.username))
    rate_limits.count("friend request", user.id)
    publish(
        [other.id],
        "friend_request.received",
        {
            "id": request.id,
            "username": user.username,
            "created_at": rfc3339(request.created_at),
        },
        author=user,
    )
    db.session.commit()
    return request


def _meet(user: User, other: User) -> FriendRequest:
    """Handle a request when there is an open one: accept the other's, and raise Conflict for one's own."""
    low, high = pair(user.id, other.id)
    request = db.session.scalar(_open_requests().where(FriendRequest.low_id == low, FriendRequest.high_id == high))
    if request is None or request.sender_id == user.id:
        raise Conflict(_("You have already sent %(name)s a request.", name=other.username))
    return accept(user, request.id)


def accept(user: User, request_id: str) -> FriendRequest:
    """Accept. Raises NotFound unless the request was sent to `user`, and Conflict if it is no longer open."""
    request = _received(user, request_id)
    _close(request, "accepted")
    low, high = pair(request.sender_id, request.receiver_id)
    if db.session.get(Friendship, (low, high)) is None:
        db.session.add(Friendship(low_id=low, high_id=high))
    publish(
        [request.sender_id],
        "friend_request.accepted",
        {"id": request.id, "username": request.receiver.username},
        author=request.receiver,
    )
    publish(
        [request.receiver_id],
        "friend_request.accepted",
        {"id": request.id, "username": request.sender.username},
        author=request.sender,
    )
    db.session.commit()
    return request


def reject(user: User, request_id: str) -> FriendRequest:
    """Reject. Raises as `accept` does."""
    request = _received(user, request_id)
    _close(request, "rejected")
    publish([request.sender_id, request.receiver_id], "friend_request.closed", {"id": request.id})
    db.session.commit()
    return request


def cancel(user: User, request_id: str) -> None:
    """Withdraw. Raises NotFound unless `user` sent the request, and Conflict if it is no longer open."""
    request = _request_for(user, request_id)
    if request.sender_id != user.id:
        raise NotFound
    _close(request, "cancelled")
    publish([request.sender_id, request.receiver_id], "friend_request.closed", {"id": request.id})
    db.session.commit()


def _request_for(user: User, request_id: str) -> FriendRequest:
    """Return a request that the person sent or received, in any state. Raises NotFound."""
    found = db.session.scalar(select(FriendRequest).where(FriendRequest.id == request_id, _concerns(user)))
    if found is None:
        raise NotFound
    return found


def _received(user: User, request_id: str) -> FriendRequest:
    request = _request_for(user, request_id)
    if request.receiver_id != user.id:
        raise NotFound
    return request


def _close(request: FriendRequest, status: str) -> None:
    """Close an open request. Of two who try at once, the second gets Conflict."""
    still_open = update(FriendRequest).where(FriendRequest.id == request.id, FriendRequest.status == "pending")
    if not affected_rows(still_open.values(status=status)):
        raise Conflict(_("This request is no longer open."))


def _open_requests() -> Select[FriendRequest]:
    return select(FriendRequest).where(FriendRequest.status == "pending")


def _concerns(user: User) -> ColumnElement[bool]:
    return or_(FriendRequest.sender_id == user.id, FriendRequest.receiver_id == user.id)
