"""Keeps the log-in sessions of browsers.

The cookie carries a token, the row its SHA-256; deleting the row logs the browser out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from flask import Flask, Response, session
from flask_login import current_user, login_user, logout_user
from sqlalchemy import ColumnElement, and_, delete, not_, select
from sqlalchemy.orm import contains_eager

from webapp.accounts import access_tokens, clients, known_browsers, notices
from webapp.accounts.signals import login_ended
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import NotFound, NotLoggedIn, answer
from webapp.core.extensions import login_manager
from webapp.i18n import language
from webapp.models import LoginSession, User, now
from webapp.security import audit
from webapp.security.headers import SESSION_LIFETIME
from webapp.security.tokens import token_hash

SEEN_EVERY = timedelta(minutes=10)  # how exactly a session's last use is kept; each is a write


def open_session(user: User, *, is_new_account: bool = False) -> None:
    """Log this browser in, with a cookie and a CSRF token that nobody can have seen before; an earlier log-in ends.

    For the same person the row stays and gets the new token, so that what hangs on it (webapp.notifications.subscriptions) goes
    on. The person is told of a browser that they have not logged in with before.
    """
    db.session.execute(delete(LoginSession).where(not_(_lasts())))
    earlier = _session(session.get("_user_id", ""))
    earlier_user_id = earlier.user_id if earlier is not None else None
    if earlier is not None and earlier.user_id != user.id:
        db.session.delete(earlier)
        earlier = None
    session.clear()
    session.permanent = True
    user.session_token = secrets.token_urlsafe(32)
    user.browser_language = language.of_browser()
    log_in = earlier or LoginSession(user=user)
    log_in.token_hash, log_in.created_at, log_in.seen_at = token_hash(user.session_token), now(), now()
    log_in.confirmed_at = now()
    _describe(log_in, clients.current())
    log_in.known_browser_id, is_new_browser = known_browsers.remember(user)
    if is_new_browser and not is_new_account:
        audit.record(user, "login.new", user, ", ".join(filter(None, (log_in.browser, log_in.system, log_in.network))))
        notices.notify(user, notices.LOGIN, f"{log_in.browser}|{log_in.system}|{log_in.network}")
    db.session.add(log_in)
    db.session.commit()
    login_user(db.session.get_one(User, user.id))  # not `current_user`, which would stand for itself from here on
    if earlier_user_id is not None:
        login_ended.send(earlier_user_id)


def _describe(log_in: LoginSession, client: clients.Client) -> None:
    log_in.browser, log_in.system, log_in.network = client.browser, client.system, client.network


def close_session() -> None:
    """Log this browser out. The cookie is worth nothing from here on."""
    token = current_user.get_id() or ""
    user_ids = db.session.scalars(
        delete(LoginSession).where(LoginSession.token_hash == token_hash(token)).returning(LoginSession.user_id)
    )
    ended = user_ids.all()
    db.session.commit()
    logout_user()
    session.clear()
    for user_id in ended:
        login_ended.send(user_id)


def sessions_of(user: User) -> list[LoginSession]:
    """Return the person's log-ins that still count, the last used first."""
    query = select(LoginSession).where(LoginSession.user_id == user.id, _lasts())
    return list(db.session.scalars(query.order_by(LoginSession.seen_at.desc(), LoginSession.id.desc())))


def end(user: User, public_id: str) -> None:
    """End one of the person's log-ins, and know its browser no more. Raises NotFound."""
    found = db.session.scalar(select(LoginSession).where(LoginSession.public_id == public_id, LoginSession.user_id == user.id))
    if found is None:
        raise NotFound
    if found.token_hash == token_hash(user.session_token):
        close_session()
        return
    if found.known_browser_id is not None:
        known_browsers.forget(user, found.known_browser_id)
    audit.record(user, "login.ended", user)
    db.session.delete(found)
    db.session.commit()
    login_ended.send(user.id)


def end_others(user: User) -> None:
    """End all log-ins of the person but the current one, and know no other browser any more."""
    audit.record(user, "login.ended", user)
    end_sessions(user, stays=user.session_token)
    known_browsers.forget_others(user)
    db.session.commit()
    login_ended.send(user.id)


def open_hashes(user_ids: Iterable[int]) -> set[str]:
    """Return the hashes of all log-ins and access tokens of these people that still count."""
    ids = list(user_ids)
    log_ins = select(LoginSession.token_hash).join(LoginSession.user).where(LoginSession.user_id.in_(ids), *_counts())
    return set(db.session.scalars(log_ins.union_all(access_tokens.hashes_query(ids)))) if ids else set()


def end_sessions(user: User, *, stays: str = "") -> None:
    """Log the person out everywhere, except for the log-in with the token `stays`, in the current transaction.

    The caller sends `login_ended` after the commit.
    """
    others = LoginSession.user_id == user.id, LoginSession.token_hash != token_hash(stays)
    db.session.execute(delete(LoginSession).where(*others))


# --- Log-ins and tickets


def login_mark(token: str) -> str:
    """Return by what a ticket to a room is known to belong to a log-in or an access token.

    It says nothing about either, and a log-in that gets a new token, as with a new password, gets a new mark.
    """
    return _mark(token_hash(token))


def open_marks(user_ids: Iterable[int]) -> set[str]:
    """Return the marks of all log-ins and access tokens of these people that still count."""
    return {_mark(found) for found in open_hashes(user_ids)}


def session_id(user: User) -> int:
    """Return the id of the current browser session. Raises NotLoggedIn for requests with an access token."""
    return log_in_of(user).id


def log_in_of(user: User) -> LoginSession:
    """Return the current browser session. Raises NotLoggedIn for requests with an access token."""
    found = _session(user.session_token)
    if found is None:
        raise NotLoggedIn
    return found


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    login_manager.session_protection = None  # the row decides, not the address, which changes on the way


@login_manager.unauthorized_handler
def _ask_to_log_in() -> Response:
    """Answer at once: raised, the error would reach the handlers by which some pages show errors beside their forms."""
    return answer(NotLoggedIn())


@login_manager.user_loader
def load_user(token: str) -> User | None:
    """Return who is logged in. Flask-Login calls this with what `User.get_id` gave it."""
    found = _session(token)
    if found is None:
        return None
    if now() - found.seen_at > SEEN_EVERY:
        found.seen_at = now()
        _describe(found, clients.current())  # a browser is brought up to date, and a phone goes elsewhere
        db.session.commit()
    found.user.session_token = token
    return found.user


def _session(token: str) -> LoginSession | None:
    mine = LoginSession.token_hash == token_hash(token), *_counts()
    query = select(LoginSession).join(LoginSession.user).where(*mine)
    return db.session.scalar(query.options(contains_eager(LoginSession.user)))


def _counts() -> tuple[ColumnElement[bool], ...]:
    """Return what a log-in must fulfil. One that began before a suspension may have ended after it."""
    return _lasts(), User.suspended_at.is_(None)


def _mark(hashed: str) -> str:
    return token_hash(f"ticket {hashed}")[:32]


def _lasts() -> ColumnElement[bool]:
    """Return the condition for log-ins that are neither unused for too long nor too old."""
    oldest = now() - timedelta(days=current_config().login_days)
    return and_(LoginSession.seen_at > now() - SESSION_LIFETIME, LoginSession.created_at > oldest)
