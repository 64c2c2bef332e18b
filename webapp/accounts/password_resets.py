"""Lets people choose a new password when they have forgotten theirs.

A reset link works once, for a day. The admin makes one and hands it over, or people have it sent to the e-mail address that they
left in their settings. A request by e-mail only inserts a row; the reconciler finds the account and sends the mail, so the answer
never reveals whether the name exists.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select

from webapp.accounts import accounts, notices
from webapp.accounts.passwords import check_password, passwords
from webapp.accounts.signals import login_ended
from webapp.core import mail
from webapp.core.config import current_config
from webapp.core.database import affected_rows, db
from webapp.core.errors import Gone
from webapp.i18n.language import in_language_of
from webapp.models import ResetLink, ResetRequest, User, now
from webapp.security import audit, rate_limits
from webapp.security.addresses import network_of
from webapp.security.tokens import token_hash

LIFETIME = timedelta(hours=24)
TRIED_FOR = timedelta(hours=1)  # while the mail server does not take it
TRIED_EVERY = timedelta(minutes=1)


# --- The link


def make(by: User | str, user: User) -> str:
    """Return the address of a new link, which nobody can see again."""
    audit.record(by, "reset.made", user)
    link = _add(user)
    db.session.commit()
    return link


def user_of(token: str) -> User:
    """Return whose password may be chosen. Raises Gone alike for a link that was used, has expired or never was."""
    link = db.session.scalar(select(ResetLink).where(*_good(token)))
    if link is None:
        raise _gone()
    return link.user


def _gone() -> Gone:
    return Gone(_("This link has been used or is more than a day old. Nothing was changed. Ask for a new one."))


def use(token: str, password: str) -> None:
    """Set the password and end every log-in of the person. Raises Gone, also when somebody else was quicker, or Invalid."""
    user = user_of(token)
    check_password(password, user.username)
    with passwords().slot():
        password_hash = passwords().hash(password)
    if not affected_rows(delete(ResetLink).where(*_good(token))):
        db.session.rollback()
        raise _gone()
    audit.record(audit.NOBODY, "password.reset", user)
    notices.notify(user, "password.reset")
    accounts.replace_password(user, password_hash)
    db.session.commit()
    login_ended.send(user.id)


def prune() -> None:
    """Delete links and requests that are too old. The caller commits."""
    db.session.execute(delete(ResetLink).where(ResetLink.expires_at < now()))
    db.session.execute(delete(ResetRequest).where(ResetRequest.at < now() - TRIED_FOR))


def _add(user: User) -> str:
    token = secrets.token_urlsafe(32)
    db.session.add(ResetLink(token_hash=token_hash(token), user=user, expires_at=now() + LIFETIME))
    return f"{current_config().public_url}/reset/{token}"


def _good(token: str) -> tuple[Any, ...]:
    return ResetLink.token_hash == token_hash(token), ResetLink.expires_at > now()


# --- By mail


def request_link(username: str, address: str) -> None:
    """Note that somebody wants a link by mail, whatever the name. `address`: the client's IP address. Raises TooMany."""
    rate_limits.count("reset wish", network_of(address))
    if accounts.USERNAME.fullmatch(username):
        db.session.add(ResetRequest(username_key=username.lower()))
    db.session.commit()


def request_link_for(admin: User, user: User) -> None:
    """Note, for the admin, that a link is to be sent to the person."""
    audit.record(admin, "reset.made", user)
    db.session.add(ResetRequest(username_key=user.username_key))
    db.session.commit()


def answer_requests() -> None:
    """Send the mails that were asked for. The reconciler calls this in a thread of its own: mail servers can be slow."""
    due = select(ResetRequest).where(ResetRequest.try_at <= now()).order_by(ResetRequest.id).limit(1)
    while (found := db.session.scalar(due)) is not None:
        _answer(found)


def _answer(request: ResetRequest) -> None:
    """Send one mail. Raises MailRefused; the request is tried again then, for an hour."""
    user = _receiver(request)
    if user is None:
        db.session.delete(request)
        db.session.commit()
        return
    request.try_at = now() + TRIED_EVERY
    link = _add(user)
    with in_language_of(user):
        to, subject, text = user.email or "", _("A new password for Stillair"), _letter(user, link)
    db.session.commit()  # no transaction is open while the mail server is asked
    try:
        mail.send(to, subject, text)
    except mail.MailRefused:
        db.session.execute(delete(ResetLink).where(ResetLink.token_hash == token_hash(link.rpartition("/")[2])))
        db.session.commit()
        raise
    rate_limits.record("reset mail", user.id)
    audit.record(audit.NOBODY, "reset.sent", user)
    db.session.delete(request)
    db.session.commit()


def _receiver(request: ResetRequest) -> User | None:
    """Return who gets a mail for the request, if anybody does."""
    user = accounts.find(request.username_key)
    if user is None or user.email is None or user.suspended_at is not None or request.at < now() - TRIED_FOR:
        return None
    return None if rate_limits.is_reached("reset mail", user.id) else user


def _letter(user: User, link: str) -> str:
    letter: str = _(
        "Hello %(name)s,\n\n"
        "somebody, probably you, wants a new password for the account %(username)s on Stillair.\n"
        "Choose it here, within 24 hours; the link works once:\n\n%(link)s\n\n"
        "If it was not you, do nothing: your password stays as it is.\n",
        name=user.display_name,
        username=user.username,
        link=link,
    )
    return letter
