"""Manages accounts: making them, logging in, passwords and e-mail addresses."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from contract.messages import AGENT_NAME
from webapp.accounts import access_tokens, former_names, known_browsers, notices, quotas
from webapp.accounts.passwords import check_password, passwords
from webapp.accounts.sessions import end_sessions, open_session, session_id
from webapp.accounts.signals import login_ended
from webapp.core import mail
from webapp.core.database import AdvisoryLock, advisory_lock, db
from webapp.core.errors import Conflict, Forbidden, Invalid
from webapp.models import ResetLink, User
from webapp.security import audit, login_throttle

USERNAME = re.compile(r"[A-Za-z0-9_-]{3,32}")
RESERVED = frozenset({AGENT_NAME, "admin", "administrator", "root", "system", "stillair", "support", "me", "null", "undefined"})
ACTIVE_ADMIN = User.is_admin, User.suspended_at.is_(None)


def find(username: str) -> User | None:
    """Find an account by its name, in upper or lower case."""
    if not USERNAME.fullmatch(username):
        return None
    return db.session.scalar(select(User).where(User.username_key == username.lower()))


def register(username: str, password: str) -> User:
    """Make an account, as `add` does, and commit. People register through webapp.auth.registration."""
    user = add(username, password)
    db.session.commit()
    return user


def add(username: str, password: str) -> User:
    """Make an account in the current transaction; the first is the admin's.

    Raises Invalid, or Conflict when somebody has the name, or had it before.
    """
    _check_username(username)
    check_password(password, username)
    with passwords().slot():
        password_hash = passwords().hash(password)
    user = User(username=username, username_key=username.lower(), display_name=username, password_hash=password_hash)
    advisory_lock(AdvisoryLock.FIRST_ACCOUNT)
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise _name_is_taken() from error
    if former_names.is_former(username):
        db.session.rollback()
        raise _name_is_taken()
    user.is_admin = db.session.scalar(select(func.count()).select_from(User)) == 1
    if user.is_admin:
        quotas.share_out_disk()
    return user


def _name_is_taken() -> Conflict:
    problem = _("This name is taken. Choose another.")
    return Conflict(problem, {"username": problem})


def authenticate(username: str, password: str, address: str) -> User | None:
    """Return the account when the password is right.

    Raises TooMany after too many failures (webapp.security.login_throttle says whose count), and Forbidden for somebody who is
    suspended.
    """
    user = find(username)
    browser = known_browsers.find(user) if user else None
    who = login_throttle.of_browser(browser.id) if browser else login_throttle.of_stranger(username, address)
    if not _is_password(user, password, who, address) or user is None:
        return None
    if user.suspended_at is not None:
        raise Forbidden(_("The admin has suspended your account. Ask them what to do."), code="suspended")
    return user


def confirm_password(user: User, password: str, address: str) -> bool:
    """Return whether somebody who is logged in knows the password. Raises TooMany after too many failures in this log-in."""
    return _is_password(user, password, login_throttle.of_login(session_id(user)), address)


def _is_password(user: User | None, password: str, who: login_throttle.Subjects, address: str) -> bool:
    """Compare, and count a failure for `who`. Raises TooMany.

    The limits are checked while a hashing slot is held: tries sent at the same moment cannot slip past them.
    """
    with passwords().slot():
        login_throttle.check(who, address)
        is_right = passwords().verify(user.password_hash if user else None, password)
        if user is None or not is_right:
            login_throttle.record_failure(who, address, user)
            db.session.commit()
            return False
        login_throttle.forget_failures(who)
        if passwords().is_outdated(user.password_hash):
            user.password_hash = passwords().hash(password)
        db.session.commit()
        return True


def change_password(user: User, old: str, new: str, address: str, *, keep_tokens: bool = False) -> None:
    """Change the password, log every other browser out, and revoke access tokens unless they are to be kept.

    Raises Invalid naming `old_password` or `password`, and TooMany as `confirm_password` does.
    """
    check_password(new, user.username)
    if not confirm_password(user, old, address):
        raise Invalid.field("old_password", _("The password is wrong."))
    audit.record(user, "password.changed", user)
    notices.notify(user, "password.changed")
    set_password(user, new, stays=user.session_token, keep_tokens=keep_tokens)
    open_session(user)


def set_password(user: User, password: str, *, stays: str = "", keep_tokens: bool = False) -> None:
    """Set a password, and end what may be in other hands: every log-in but the one with the token `stays`, all reset links, and
    access tokens unless they are to be kept.
    """
    with passwords().slot():
        password_hash = passwords().hash(password)
    replace_password(user, password_hash, stays=stays, keep_tokens=keep_tokens)
    db.session.commit()
    login_ended.send(user.id)


def replace_password(user: User, password_hash: str, *, stays: str = "", keep_tokens: bool = False) -> None:
    """Do what `set_password` does with a hash that is made already, in the current transaction.

    Browsers that knew the old password are known no more, except for the one that asks. The caller sends `login_ended` after the
    commit.
    """
    user.password_hash = password_hash
    db.session.execute(delete(ResetLink).where(ResetLink.user_id == user.id))
    login_throttle.forget_failures(login_throttle.of_stranger(user.username, ""))
    end_sessions(user, stays=stays)
    known_browsers.forget_others(user)
    if not keep_tokens:
        access_tokens.revoke_all(user)


def change_email(user: User, email: str) -> None:
    """Set where reset links and notices may be sent; "" for nowhere. Raises Invalid naming `email`.

    The page asks for a confirmation (webapp.factors.confirmation): whoever reads that mail can choose a new password.
    """
    checked = mail.checked_address(email)
    if checked != user.email:
        audit.record(user, "email.changed", user)
        before, user.email = user.email, checked
        notices.notify(user, "email.changed", also_to=before)
        db.session.execute(delete(ResetLink).where(ResetLink.user_id == user.id))
        db.session.commit()


def _check_username(username: str) -> None:
    if not USERNAME.fullmatch(username):
        raise Invalid.field("username", _("Use 3 to 32 letters, digits, - or _."))
    if username.lower() in RESERVED:
        raise Invalid.field("username", _("This name is reserved. Choose another."))
