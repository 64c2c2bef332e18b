"""Shows the admin the people of this server, and does what the admin may do with them.

One admin who can log in always stays: the row is changed only if there is another, however many try at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import aliased

from webapp.accounts import accounts, notices, sessions
from webapp.auth import invites
from webapp.core.database import AdvisoryLock, advisory_lock, affected_rows, db
from webapp.core.errors import Conflict, NotFound
from webapp.core.text import clean
from webapp.friends import relations
from webapp.models import LoginSession, Recording, User, now
from webapp.presence import presence
from webapp.privacy import account_deletion
from webapp.security import audit
from webapp.streams import queries as stream_queries
from webapp.streams import shut_out, state

PAGE = 50
WORDS_LENGTH = 64  # characters of a search that are looked at

KINDS = {
    "all": (),
    "admins": (User.is_admin,),
    "suspended": (User.suspended_at.is_not(None),),
}


@dataclass(frozen=True)
class Member:
    user: User
    online: bool
    seen_at: datetime | None
    used: int  # bytes of recordings


@dataclass(frozen=True)
class Page:
    members: list[Member]  # by user name
    count: int  # of all pages
    more: bool


def page(words: str = "", kind: str = "all", after: str = "") -> Page:
    """Return a page of people.

    `words` stand in the user name or the display name; `after`: the last user name of the page before.
    """
    query = _matching(select(User), words, kind)
    count = db.session.scalar(_matching(select(func.count()).select_from(User), words, kind)) or 0
    if after:
        query = query.where(User.username_key > after.lower())
    found = list(db.session.scalars(query.order_by(User.username_key).limit(PAGE + 1)))
    return Page(_members(found[:PAGE]), count, more=len(found) > PAGE)


def find(username: str) -> User:
    """Return the account. Raises NotFound."""
    user = accounts.find(username)
    if user is None:
        raise NotFound
    return user


def member_of(user: User) -> Member:
    return _members([user])[0]


def _matching(query: Select[Any], words: str, kind: str) -> Select[Any]:
    words = clean(words)[:WORDS_LENGTH].lower()
    if words:
        shown = db.func.lower(User.display_name)
        query = query.where(or_(User.username_key.contains(words, autoescape=True), shown.contains(words, autoescape=True)))
    return query.where(*KINDS.get(kind, ()))


def _members(users: Iterable[User]) -> list[Member]:
    """Read what the pages show of people, in a fixed number of queries."""
    by_id = {user.id: user for user in users}
    online = presence.online(by_id)
    sizes = select(Recording.owner_id, func.sum(Recording.size)).where(Recording.deleted_at.is_(None))
    used = dict(db.session.execute(sizes.where(Recording.owner_id.in_(by_id)).group_by(Recording.owner_id)).all())
    visits = select(LoginSession.user_id, func.max(LoginSession.seen_at)).where(LoginSession.user_id.in_(by_id))
    seen = dict(db.session.execute(visits.group_by(LoginSession.user_id)).all())
    return [
        Member(
            user=user,
            online=user.id in online,
            seen_at=max((moment for moment in (user.last_seen_at, seen.get(user.id)) if moment), default=None),
            used=used.get(user.id, 0),
        )
        for user in by_id.values()
    ]


# --- The admin's acts


def suspend(admin: User, user: User) -> None:
    """Lock somebody out: sessions and invite links end, a stream ends, and so does what the person hears of others.

    Raises Conflict for oneself and for the last admin.
    """
    not_oneself(admin, user)
    if user.suspended_at is not None:
        return
    change(user, suspended_at=now())
    audit.record(admin, "person.suspended", user)
    sessions.end_sessions(user)
    invites.withdraw_all(user)
    db.session.commit()
    silence(user)


def restore(admin: User, user: User) -> None:
    """End a suspension."""
    if user.suspended_at is None:
        return
    user.suspended_at = None
    audit.record(admin, "person.restored", user)
    db.session.commit()


def delete(admin: User, user: User) -> None:
    """Delete the account for good, with all recordings.

    Raises Conflict for oneself, and when a stream of theirs cannot be ended now.
    """
    not_oneself(admin, user)
    try:
        account_deletion.delete(user, by=admin)
    except Conflict as error:
        raise Conflict(_("Nothing was deleted: the audio server does not answer. Try again in a minute.")) from error


def make_admin(by: User | str, user: User) -> None:
    """Make somebody an admin. Raises Conflict for somebody who is suspended."""
    if user.suspended_at is not None:
        raise Conflict(_("%(name)s is suspended. End the suspension first.", name=user.display_name))
    if user.is_admin:
        return
    user.is_admin = True
    audit.record(by, "admin.made", user)
    notices.tell_admins("admin.made", user.username)
    db.session.commit()


def unmake_admin(admin: User, user: User) -> None:
    """Take the admin's rights away. Raises Conflict for the last admin."""
    if not user.is_admin:
        return
    change(user, is_admin=False)
    audit.record(admin, "admin.unmade", user)
    db.session.commit()


def change(user: User, **values: Any) -> None:
    """Update `user` in the current transaction unless that would leave no active admin. Raises Conflict."""
    advisory_lock(AdvisoryLock.FIRST_ACCOUNT)
    other = aliased(User)
    another = select(other.id).where(other.is_admin, other.suspended_at.is_(None), other.id != user.id).exists()
    query = update(User).where(User.id == user.id, or_(User.is_admin.is_(False), another)).values(**values)
    if not affected_rows(query.execution_options(synchronize_session=False)):
        name = user.display_name
        db.session.rollback()
        raise Conflict(_("%(name)s is the last admin. Make somebody else an admin first.", name=name))
    db.session.refresh(user)


def silence(user: User) -> None:
    """End the person's stream and what they hear. Call it after it is committed that they cannot log in any more."""
    stream = stream_queries.running_stream_of(user)
    if stream is not None:
        state.end(stream)
    shut_out.shut_out(relations.friend_ids(user.id))


def not_oneself(admin: User, user: User) -> None:
    """Raise Conflict for oneself: nobody locks themselves out by mistake."""
    if admin.id == user.id:
        raise Conflict(_("You cannot do this to yourself. Another admin can."))
