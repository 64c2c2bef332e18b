"""Tells people what has changed about the safety of their account, in the page and by mail.

A notice stands on every page until it is dismissed, except in the browser in which it was done: a thief must not take it away
before the owner has seen it. Mail is only written down here, in the transaction of the act; the reconciler sends it.
"""

from __future__ import annotations

from datetime import timedelta

from babel.dates import format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import delete, func, select

from webapp.accounts import clients, known_browsers
from webapp.core import mail
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import NotFound, TooMany
from webapp.i18n.language import formats, in_language_of
from webapp.models import AccountNotice, NoticeMail, User, now
from webapp.security import rate_limits

LOGIN = "login.new"
KINDS = {
    LOGIN: lazy_gettext("New log-in: %(detail)s."),
    "password.changed": lazy_gettext("Your password was changed."),
    "password.reset": lazy_gettext("Your password was changed with a reset link."),
    "email.changed": lazy_gettext("The e-mail address of your account was changed."),
    "token.made": lazy_gettext("A new access token was made: %(detail)s."),
    "app.added": lazy_gettext("An authenticator app was added to your account."),
    "app.removed": lazy_gettext("The authenticator app was removed from your account."),
    "passkey.added": lazy_gettext("A passkey was added to your account: %(detail)s."),
    "passkey.removed": lazy_gettext("A passkey was removed from your account."),
    "recovery.made": lazy_gettext("New recovery codes were made for your account."),
    "recovery.used": lazy_gettext("A recovery code of your account was used."),
    "factors.reset": lazy_gettext("All second factors were removed from your account."),
    "admin.made": lazy_gettext("There is a new admin: %(detail)s."),
}
MAX_NOTICES = 20  # of one person; one more drops the oldest
MAX_MAILS = 20  # of one person that wait to be sent; further ones are not written
KEPT = timedelta(days=90)
TRIED_FOR = timedelta(hours=24)  # while the mail server does not take it
TRIED_EVERY = timedelta(minutes=1)


def notify(user: User, kind: str, detail: str = "", *, also_to: str | None = None) -> None:
    """Write a notice, in the current transaction. `also_to`: an address that the person had until now."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of notice")
    browser = known_browsers.find(user)
    db.session.add(AccountNotice(user_id=user.id, kind=kind, detail=detail, known_browser_id=browser.id if browser else None))
    db.session.flush()
    mine = select(AccountNotice.id).where(AccountNotice.user_id == user.id)
    oldest = mine.order_by(AccountNotice.at.desc(), AccountNotice.id).offset(MAX_NOTICES)
    db.session.execute(delete(AccountNotice).where(AccountNotice.id.in_(db.session.scalars(oldest).all())))
    if mail.is_configured():
        _post(user, kind, detail, also_to)


def tell_admins(kind: str, detail: str = "") -> None:
    """Write a notice for every admin, in the current transaction."""
    for admin in db.session.scalars(select(User).where(User.is_admin)).all():
        notify(admin, kind, detail)


def _post(user: User, kind: str, detail: str, also_to: str | None) -> None:
    waiting = db.session.scalar(select(func.count()).where(NoticeMail.user_id == user.id)) or 0
    for address in {user.email, also_to} - {None}:
        if waiting < MAX_MAILS:
            db.session.add(NoticeMail(user_id=user.id, address=address, kind=kind, detail=detail))


def text_of(kind: str, detail: str) -> str:
    """Return what a notice says, in the language of whoever reads it."""
    if kind == LOGIN:
        browser, system, network = detail.split("|")
        detail = f"{clients.browser_words(browser, system)}, {clients.place_words(network)}"
    return str(KINDS[kind]) % {"detail": detail}


# --- In the page


def notices_of(user: User) -> list[AccountNotice]:
    """Return what the person has not dismissed, newest first, without what was done in the browser that asks."""
    mine = select(AccountNotice).where(AccountNotice.user_id == user.id).order_by(AccountNotice.at.desc(), AccountNotice.id)
    found = list(db.session.scalars(mine))
    browser = known_browsers.find(user) if found else None
    return [notice for notice in found if browser is None or notice.known_browser_id != browser.id]


def dismiss(user: User, notice_id: str) -> None:
    """Delete a notice that the person has seen. Raises NotFound, also in the browser in which it was done."""
    if notice_id not in {notice.id for notice in notices_of(user)}:
        raise NotFound
    db.session.execute(delete(AccountNotice).where(AccountNotice.id == notice_id))
    db.session.commit()


def prune() -> None:
    """Delete notices and mails that are too old. The caller commits."""
    db.session.execute(delete(AccountNotice).where(AccountNotice.at < now() - KEPT))
    db.session.execute(delete(NoticeMail).where(NoticeMail.at < now() - TRIED_FOR))


# --- By mail


def send_mails() -> None:
    """Send what waits. The reconciler calls this in a thread of its own. Raises MailRefused, and tries again a minute later."""
    due = select(NoticeMail).where(NoticeMail.try_at <= now()).order_by(NoticeMail.id).limit(1)
    while (found := db.session.scalar(due)) is not None:
        _send(found)


def _send(notice: NoticeMail) -> None:
    if _is_flooded(notice.user):
        db.session.delete(notice)
        db.session.commit()
        return
    notice.try_at = now() + TRIED_EVERY
    notice_id, user_id, address = notice.id, notice.user_id, notice.address
    with in_language_of(notice.user):
        subject, text = _("About your account on Stillair"), _letter(notice)
    db.session.commit()  # no transaction is open while the mail server is asked
    mail.send(address, subject, text)
    rate_limits.record("notice mail", user_id)
    db.session.execute(delete(NoticeMail).where(NoticeMail.id == notice_id))
    db.session.commit()


def _is_flooded(user: User) -> bool:
    """Return whether the person has got so many mails that further ones are left out; the page still shows those notices."""
    try:
        rate_limits.check("notice mail", user.id)
    except TooMany:
        return True
    return False


def _letter(notice: NoticeMail) -> str:
    server = current_config().public_url
    letter: str = _(
        "Hello %(name)s,\n\n"
        "%(what)s\n"
        "%(when)s, account %(username)s on %(server)s\n\n"
        "If you expected this, do nothing. If you did not, choose a new password in Settings, and end the log-ins there that "
        "you do not know:\n\n%(server)s/settings/log-ins\n",
        name=notice.user.display_name,
        what=text_of(notice.kind, notice.detail),
        when=format_datetime(notice.at, "long", locale=formats()),
        username=notice.user.username,
        server=server,
    )
    return letter
