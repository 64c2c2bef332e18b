"""Friends and friend requests. Unique constraints decide races: one open request and one friendship per pair, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, CursorResult, Select, case, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from webapp import accounts, blocks, hourly_limits
from webapp.errors import Conflict, Invalid, NotFound
from webapp.events import publish
from webapp.extensions import db, take_turn
from webapp.models import FriendRequest, Friendship, User, rfc3339
from webapp.text import clean

SEARCH_LEAST = 2
SEARCH_MOST = 64
SEARCH_RESULTS = 20


@dataclass(frozen=True)
class Requests:
    """Open ones of one person, newest first."""

    received: list[FriendRequest]
    sent: list[FriendRequest]


def are_friends(a: User, b: User) -> bool:
    return db.session.get(Friendship, _pair(a.id, b.id)) is not None


def friend_ids(user_id: int) -> list[int]:
    return list(db.session.scalars(_friend_ids(user_id)))


def acquaintance_ids(user: User) -> set[int]:
    """Friends, and those with an open request."""
    requests = requests_of(user)
    asked = {request.receiver_id for request in requests.sent} | {request.sender_id for request in requests.received}
    return asked | set(friend_ids(user.id))


def friends_of(user: User) -> list[User]:
    """By display name."""
    users = db.session.scalars(select(User).where(User.id.in_(_friend_ids(user.id))))
    return sorted(users, key=lambda friend: (friend.display_name.casefold(), friend.username_key))


def friend_for(user: User, username: str) -> User:
    """A friend by name. Raises NotFound alike for strangers and for nobody."""
    friend = accounts.find(username)
    if friend is None or not are_friends(user, friend):
        raise NotFound
    return friend


def requests_of(user: User) -> Requests:
    people = joinedload(FriendRequest.sender), joinedload(FriendRequest.receiver)
    query = _open_requests().where(_concerns(user)).options(*people).order_by(FriendRequest.created_at.desc())
    found = list(db.session.scalars(query))
    return Requests(
        received=[request for request in found if request.receiver_id == user.id],
        sent=[request for request in found if request.sender_id == user.id],
    )


def search(user: User, words: str) -> list[tuple[User, str]]:
    """People whose name or display name contains `words`, with their relation to `user`: self, none, sent, received, friend or
    blocked. Who wants it is shown to strangers by the whole user name alone; who has blocked `user` is not shown."""
    words = clean(words).lower()
    if len(words) < SEARCH_LEAST:
        raise Invalid.field("q", _("Type %(count)d letters or more.", count=SEARCH_LEAST))
    if len(words) > SEARCH_MOST:
        raise Invalid.field("q", _("Type at most %(count)d letters.", count=SEARCH_MOST))
    shown = db.func.lower(User.display_name)
    begins = or_(User.username_key.startswith(words, autoescape=True), shown.startswith(words, autoescape=True))
    relations = _relations(user)
    named_exactly = or_(User.exact_name_only.is_(False), User.username_key == words, User.id.in_(list(relations)))
    query = (
        select(User)
        .where(or_(User.username_key.contains(words, autoescape=True), shown.contains(words, autoescape=True)))
        .where(named_exactly, User.id.not_in(blocks.blockers_of(user)))
        .order_by(case((User.username_key == words, 0), (begins, 1), else_=2), User.username_key)
        .limit(SEARCH_RESULTS)
    )
    return [(found, relations.get(found.id, "none")) for found in db.session.scalars(query)]


def send(user: User, username: str) -> FriendRequest:
    """Asks somebody; when they have asked already, this accepts. Raises NotFound, Invalid for oneself, Conflict, or TooMany."""
    other = accounts.find(username)
    if other is None:
        raise _unknown()
    if other.id == user.id:
        raise Invalid.field("username", _("That is you."))
    low, high = _pair(user.id, other.id)
    db.session.add(request := FriendRequest(sender=user, receiver=other, low_id=low, high_id=high))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return _meet(user, other)
    refuse_blocked(user, other)
    if are_friends(user, other):            # asked only now: nobody else can accept a request of these two any more
        raise Conflict(_("%(name)s is your friend already.", name=other.username))
    hourly_limits.count_friend_request(user)
    publish([other.id], "friend_request.received", {
        "id": request.id, "username": user.username, "created_at": rfc3339(request.created_at),
    })
    db.session.commit()
    return request


def _unknown() -> NotFound:
    return NotFound(_("Nobody has this name. Check the spelling, or search."))


def refuse_blocked(user: User, other: User) -> None:
    """Asked when the act is written, but not committed. Raises NotFound for whoever is blocked, Conflict for who has blocked the
    other; the transaction is rolled back then."""
    take_turn(blocks.TURN)
    is_blocked, has_blocked, name = blocks.has_blocked(other, user), blocks.has_blocked(user, other), other.username
    if not is_blocked and not has_blocked:
        return
    db.session.rollback()
    if is_blocked:
        raise _unknown()
    raise Conflict(_("You have blocked %(name)s. Unblock them first, in Settings, Privacy.", name=name))


def _meet(user: User, other: User) -> FriendRequest:
    """There is an open request between the two: theirs is accepted, one's own is not sent twice."""
    low, high = _pair(user.id, other.id)
    request = db.session.scalar(_open_requests().where(FriendRequest.low_id == low, FriendRequest.high_id == high))
    if request is None or request.sender_id == user.id:
        raise Conflict(_("You have asked %(name)s already.", name=other.username))
    return accept(user, request.id)


def accept(user: User, request_id: str) -> FriendRequest:
    """Raises NotFound unless the request was sent to `user`, Conflict when it is not open any more."""
    request = _received(user, request_id)
    _close(request, "accepted")
    low, high = _pair(request.sender_id, request.receiver_id)
    if db.session.get(Friendship, (low, high)) is None:
        db.session.add(Friendship(low_id=low, high_id=high))
    publish([request.sender_id], "friend_request.accepted", {"id": request.id, "username": request.receiver.username})
    publish([request.receiver_id], "friend_request.accepted", {"id": request.id, "username": request.sender.username})
    db.session.commit()
    return request


def reject(user: User, request_id: str) -> FriendRequest:
    """Raises as `accept` does."""
    request = _received(user, request_id)
    _close(request, "rejected")
    publish([request.sender_id, request.receiver_id], "friend_request.closed", {"id": request.id})
    db.session.commit()
    return request


def cancel(user: User, request_id: str) -> None:
    """Raises NotFound unless `user` sent the request, Conflict when it is not open any more."""
    request = _request_for(user, request_id)
    if request.sender_id != user.id:
        raise NotFound
    _close(request, "cancelled")
    publish([request.sender_id, request.receiver_id], "friend_request.closed", {"id": request.id})
    db.session.commit()


def befriend(inviter: User, guest: User) -> None:
    """Friends by an invite link, in the current transaction; an open request between them is answered with it. Raises as
    `refuse_blocked` does."""
    low, high = _pair(inviter.id, guest.id)
    pair = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    db.session.execute(update(FriendRequest).where(*pair).values(status="accepted"))
    db.session.add(Friendship(low_id=low, high_id=high))
    refuse_blocked(guest, inviter)
    publish([inviter.id], "friend.added", {"username": guest.username})
    publish([guest.id], "friend.added", {"username": inviter.username})


def unfriend(user: User, username: str) -> None:
    """Ends the friendship, and with it what each hears of the other at this moment. Raises NotFound."""
    friend = friend_for(user, username)
    part(user, friend)
    db.session.commit()
    from webapp import broadcasts  # not at the top: broadcasts asks this module who are friends

    broadcasts.shut_out(user, friend)
    broadcasts.shut_out(friend, user)


def part(user: User, other: User) -> bool:
    """Ends a friendship and open requests in the current transaction. Returns whether there was a friendship."""
    low, high = _pair(user.id, other.id)
    open_between = FriendRequest.low_id == low, FriendRequest.high_id == high, FriendRequest.status == "pending"
    closed = db.session.scalars(update(FriendRequest).where(*open_between).values(status="cancelled").returning(FriendRequest.id))
    for request_id in closed.all():
        publish([user.id, other.id], "friend_request.closed", {"id": request_id})
    friendship = delete(Friendship).where(Friendship.low_id == low, Friendship.high_id == high)
    if not cast("CursorResult[Any]", db.session.execute(friendship)).rowcount:
        return False
    publish([user.id], "friend.removed", {"username": other.username})
    publish([other.id], "friend.removed", {"username": user.username})
    return True


def since(user: User, friend: User) -> datetime:
    """When the two became friends. Raises NotFound."""
    friendship = db.session.get(Friendship, _pair(user.id, friend.id))
    if friendship is None:
        raise NotFound
    return friendship.created_at


def _request_for(user: User, request_id: str) -> FriendRequest:
    """A request that the person sent or received, whatever became of it. Raises NotFound."""
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
    """Of two who close it at once, the second gets Conflict."""
    still_open = update(FriendRequest).where(FriendRequest.id == request.id, FriendRequest.status == "pending")
    result = cast("CursorResult[Any]", db.session.execute(still_open.values(status=status)))
    if result.rowcount == 0:
        raise Conflict(_("This request is not open any more."))


def _relations(user: User) -> Mapping[int, str]:
    requests = requests_of(user)
    return {
        user.id: "self",
        **{request.sender_id: "received" for request in requests.received},
        **{request.receiver_id: "sent" for request in requests.sent},
        **dict.fromkeys(friend_ids(user.id), "friend"),
        **dict.fromkeys(blocks.blocked_ids(user), "blocked"),
    }


def _open_requests() -> Select[FriendRequest]:
    return select(FriendRequest).where(FriendRequest.status == "pending")


def _concerns(user: User) -> ColumnElement[bool]:
    return or_(FriendRequest.sender_id == user.id, FriendRequest.receiver_id == user.id)


def _friend_ids(user_id: int) -> Select[int]:
    other = case((Friendship.low_id == user_id, Friendship.high_id), else_=Friendship.low_id)
    return select(other).where(or_(Friendship.low_id == user_id, Friendship.high_id == user_id))


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)
