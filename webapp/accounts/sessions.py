"""Keeps the log-in sessions of browsers.

The cookie carries a token, the row its SHA-256; deleting the row logs the browser out.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, session
from flask_login import current_user, login_user, logout_user
from sqlalchemy import delete, select
from sqlalchemy.orm import contains_eager

from webapp.accounts import access_tokens
from webapp.core.database import db
from webapp.core.errors import NotFound, NotLoggedIn, answer
from webapp.core.extensions import login_manager
from webapp.i18n import language
from webapp.models import LoginSession, User, now
from webapp.security.headers import SESSION_LIFETIME
from webapp.security.tokens import token_hash

SEEN_EVERY_S = 3600  # how exactly a session's last use is kept; each is a write


def open_session(user: User) -> None:
    """Log this browser in, with a cookie and a CSRF token that nobody can have seen before; an earlier log-in ends.

    For the same person the row stays and gets the new token, so that what hangs on it (webapp.notifications.subscriptions) goes
    on.
    """
    db.session.execute(delete(LoginSession).where(LoginSession.seen_at < now() - SESSION_LIFETIME))
    earlier = _session(session.get("_user_id", ""))
    if earlier is not None and earlier.user_id != user.id:
        db.session.delete(earlier)
        earlier = None
    session.clear()
    session.permanent = True
    user.session_token = secrets.token_urlsafe(32)
    user.browser_language = language.of_browser()
    log_in = earlier or LoginSession(user=user)
    log_in.token_hash, log_in.created_at, log_in.seen_at = token_hash(user.session_token), now(), now()
    db.session.add(log_in)
    db.session.commit()
    login_user(db.session.get_one(User, user.id))  # not `current_user`, which would stand for itself from here on


def close_session() -> None:
    """Log this browser out. The cookie is worth nothing from here on."""
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash(current_user.get_id() or "")))
    db.session.commit()
    logout_user()
    session.clear()


def is_open(token: str) -> bool:
    """Return whether a log-in or an access token still counts, for answers that go on for hours."""
    return _session(token) is not None or access_tokens.find(token) is not None


def end_sessions(user: User, *, stays: str = "") -> None:
    """Log the person out everywhere, except for the log-in with the token `stays`, in the current transaction."""
    others = LoginSession.user_id == user.id, LoginSession.token_hash != token_hash(stays)
    db.session.execute(delete(LoginSession).where(*others))


def session_id_or_none(user: User) -> int | None:
    """Return the id of the current browser session, or None for requests with an access token."""
    found = _session(user.session_token)
    return None if found is None else found.id


def session_id(user: User) -> int:
    """Return the id of the current browser session. Raises NotLoggedIn for requests with an access token."""
    found = session_id_or_none(user)
    if found is None:
        raise NotLoggedIn
    return found


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    login_manager.session_protection = None  # the row decides, not the address, which changes on the way


def admit_admins() -> None:
    """Guard the admin's pages as their `before_request`. Raises NotLoggedIn, and NotFound for whoever is no admin."""
    if not current_user.is_authenticated:
        raise NotLoggedIn
    if not current_user.is_admin:
        raise NotFound


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
    if (now() - found.seen_at).total_seconds() > SEEN_EVERY_S:
        found.seen_at = now()
        db.session.commit()
    found.user.session_token = token
    return found.user


def _session(token: str) -> LoginSession | None:
    mine = LoginSession.token_hash == token_hash(token), LoginSession.seen_at > now() - SESSION_LIFETIME
    # A log-in that began before a suspension may have ended after it.
    query = select(LoginSession).join(LoginSession.user).where(*mine, User.suspended_at.is_(None))
    return db.session.scalar(query.options(contains_eager(LoginSession.user)))
