"""Accounts and who is logged in. A log-in is a row: the cookie carries its token, the row the token's SHA-256, and deleting the
row ends the log-in wherever the cookie may have gone."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager

from contract import AGENT_NAME
from webapp import access_tokens, audit, login_limits, mail
from webapp.errors import Conflict, Forbidden, Invalid, NotFound, NotLoggedIn, wants_json
from webapp.extensions import db, login_manager, take_turn
from webapp.models import LoginSession, ResetLink, User, now
from webapp.passwords import check_password, passwords
from webapp.security import SESSION_LIFETIME

USERNAME = re.compile(r"[A-Za-z0-9_-]{3,32}")
RESERVED = frozenset({AGENT_NAME, "admin", "administrator", "root", "system", "stillair", "support", "me", "null", "undefined"})
SEEN_EVERY_S = 3600         # how exactly a session's last use is kept; each is a write
ACTIVE_ADMIN = User.is_admin, User.suspended_at.is_(None)
FIRST_ACCOUNT = 0x5711      # take_turn key: whose account is the first


def find(username: str) -> User | None:
    """By name, whatever its case."""
    if not USERNAME.fullmatch(username):
        return None
    return db.session.scalar(select(User).where(User.username_key == username.lower()))


def register(username: str, password: str) -> User:
    """As `add`, for good. People register by webapp.registration."""
    user = add(username, password)
    db.session.commit()
    return user


def add(username: str, password: str) -> User:
    """A new account in the current transaction; the first is the admin's. Raises Invalid, or Conflict when the name is taken."""
    _check_username(username)
    check_password(password, username)
    with passwords().turn():
        password_hash = passwords().hash(password)
    user = User(username=username, username_key=username.lower(), display_name=username, password_hash=password_hash)
    take_turn(FIRST_ACCOUNT)
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        problem = _("This name is taken. Choose another.")
        raise Conflict(problem, {"username": problem}) from error
    user.is_admin = db.session.scalar(select(func.count()).select_from(User)) == 1
    return user


def authenticate(username: str, password: str, address: str) -> User | None:
    """The account when the password is right. Raises TooMany after too many failures for the account or from the address, and
    Forbidden for somebody who is suspended.

    Limits are looked at inside the hashing turn: tries sent at the same moment cannot slip past them.
    """
    with passwords().turn():
        login_limits.check(username, address)
        user = find(username)
        is_right = passwords().verify(user.password_hash if user else None, password)
        if user is None or not is_right:
            login_limits.record_failure(username, address, user)
            db.session.commit()
            return None
        login_limits.forget_failures(username)
        if passwords().is_outdated(user.password_hash):
            user.password_hash = passwords().hash(password)
        db.session.commit()
        if user.suspended_at is not None:
            raise Forbidden(_("The admin has suspended your account. Ask them what to do."), code="suspended")
        return user


def open_session(user: User) -> None:
    """Logs this browser in, with a cookie and a CSRF token that nobody can have seen before; an earlier log-in ends. For the same
    person its row gets the new token, so that what hangs on it (webapp.push_subscriptions) goes on."""
    db.session.execute(delete(LoginSession).where(LoginSession.seen_at < now() - SESSION_LIFETIME))
    earlier = _session(session.get("_user_id", ""))
    if earlier is not None and earlier.user_id != user.id:
        db.session.delete(earlier)
        earlier = None
    session.clear()
    session.permanent = True
    user.session_token = secrets.token_urlsafe(32)
    log_in = earlier or LoginSession(user=user)
    log_in.token_hash, log_in.created_at, log_in.seen_at = _hash(user.session_token), now(), now()
    db.session.add(log_in)
    db.session.commit()
    login_user(user)


def close_session() -> None:
    """Logs this browser out; the cookie is worth nothing from here on."""
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == _hash(current_user.get_id() or "")))
    db.session.commit()
    logout_user()
    session.clear()


def is_open(token: str) -> bool:
    """Whether a log-in or an access token still counts, for answers that go on for hours."""
    return _session(token) is not None or access_tokens.find(token) is not None


def change_password(user: User, old: str, new: str, address: str) -> None:
    """Every other browser is logged out. Raises Invalid naming `old_password` or `password`, and TooMany as a log-in does."""
    check_password(new, user.username)
    if authenticate(user.username, old, address) is None:
        raise Invalid.field("old_password", _("This is not your password."))
    audit.record(user, "password.changed", user)
    set_password(user, new, stays=user.session_token)
    open_session(user)


def set_password(user: User, password: str, *, stays: str = "") -> None:
    """Logs the person out everywhere, but for the log-in with the token `stays`, and no reset link works any more."""
    with passwords().turn():
        password_hash = passwords().hash(password)
    replace_password(user, password_hash, stays=stays)
    db.session.commit()


def replace_password(user: User, password_hash: str, *, stays: str = "") -> None:
    """The same with a hash that is made already, in the current transaction."""
    user.password_hash = password_hash
    db.session.execute(delete(ResetLink).where(ResetLink.user_id == user.id))
    login_limits.forget_failures(user.username)
    end_sessions(user, stays=stays)


def change_email(user: User, email: str, password: str, address: str) -> None:
    """Where a reset link may be sent; "" for nowhere. Asks for the password, for with that address anybody can have another one.
    Raises Invalid naming `email` or `email_password`, and TooMany as a log-in does."""
    checked = mail.checked_address(email)
    if authenticate(user.username, password, address) is None:
        raise Invalid.field("email_password", _("This is not your password."))
    if checked != user.email:
        audit.record(user, "email.changed", user)
        user.email = checked
        db.session.execute(delete(ResetLink).where(ResetLink.user_id == user.id))
        db.session.commit()


def end_sessions(user: User, *, stays: str = "") -> None:
    """Logs the person out everywhere, but for the log-in with the token `stays`, in the current transaction."""
    others = LoginSession.user_id == user.id, LoginSession.token_hash != _hash(stays)
    db.session.execute(delete(LoginSession).where(*others))


def session_id(user: User) -> int:
    """Of the log-in by which the person asks. Raises NotLoggedIn when it is none of a browser."""
    found = _session(user.session_token)
    if found is None:
        raise NotLoggedIn
    return found.id


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    login_manager.session_protection = None         # the row decides, not the address, which changes on the way


def admit_admins() -> ResponseReturnValue | None:
    """For `before_request` of the admin's pages: for everybody else they are not there. Raises NotFound."""
    if not current_user.is_authenticated:
        answer: ResponseReturnValue = login_manager.unauthorized()
        return answer
    if not current_user.is_admin:
        raise NotFound
    return None


@login_manager.unauthorized_handler
def _ask_to_log_in() -> ResponseReturnValue:
    if wants_json():
        raise NotLoggedIn
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("pages_auth.login", next=target))


@login_manager.user_loader
def load_user(token: str) -> User | None:
    """Called by Flask-Login with what `User.get_id` gave it."""
    found = _session(token)
    if found is None:
        return None
    if (now() - found.seen_at).total_seconds() > SEEN_EVERY_S:
        found.seen_at = now()
        db.session.commit()
    found.user.session_token = token
    return found.user


def _check_username(username: str) -> None:
    if not USERNAME.fullmatch(username):
        raise Invalid.field("username", _("Use 3 to 32 letters, digits, - or _."))
    if username.lower() in RESERVED:
        raise Invalid.field("username", _("This name is reserved. Choose another."))


def _session(token: str) -> LoginSession | None:
    mine = LoginSession.token_hash == _hash(token), LoginSession.seen_at > now() - SESSION_LIFETIME
    # A log-in that began before a suspension may have ended after it.
    query = select(LoginSession).join(LoginSession.user).where(*mine, User.suspended_at.is_(None))
    return db.session.scalar(query.options(contains_eager(LoginSession.user)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
