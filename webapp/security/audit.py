"""Keeps the audit log: what an admin did, and what concerns the safety of accounts.

An entry is written in the transaction of the act itself, so it is there exactly when the act is true. It never holds a secret,
nor anything that somebody typed as a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from webapp.core.database import db
from webapp.models import AuditEntry, User, now

KEPT = timedelta(days=180)
PAGE = 50
COMMAND_LINE = "(command line)"  # no user name can be this
NOBODY = ""  # who was not logged in

ACTS: Mapping[str, object] = {
    "server.set_up": _("Made the first account with the set-up link"),
    "login.new": _("Logged in with a new browser"),
    "login.ended": _("Ended other log-ins"),
    "login.slowed": _("Too many failed log-ins; further ones have to wait"),
    "password.changed": _("Changed the password"),
    "password.reset": _("Set a new password with a reset link"),
    "factor.added": _("Added a second factor"),
    "factor.removed": _("Removed a second factor"),
    "factors.reset": _("Removed all second factors"),
    "factors.required": _("Required a second factor of admins"),
    "factors.optional": _("No longer required a second factor of admins"),
    "recovery.made": _("Made new recovery codes"),
    "recovery.used": _("Used a recovery code"),
    "token.made": _("Made an access token"),
    "token.used": _("Used an access token from a new address"),
    "token.revoked": _("Revoked an access token"),
    "email.changed": _("Changed the e-mail address"),
    "reset.made": _("Made a reset link"),
    "reset.sent": _("Sent a reset link by e-mail"),
    "person.suspended": _("Suspended"),
    "person.restored": _("Ended the suspension"),
    "person.deleted": _("Deleted the account and its recordings"),
    "admin.made": _("Made an admin"),
    "admin.unmade": _("Removed the admin's rights"),
    "quota.changed": _("Changed the space for recordings"),
    "days.changed": _("Changed how long recordings are kept"),
    "data.exported": _("Downloaded all data of the account"),
    "admin.refused": _("Tried to act as an admin"),
    "stream.ended": _("Ended the stream"),
    "registration.chosen": _("Changed who may register"),
}
DETAIL_LENGTH = 120


@dataclass(frozen=True)
class Page:
    entries: list[AuditEntry]  # newest first
    more: bool


def record(by: User | str, act: str, about: User | None = None, detail: str = "") -> None:
    """Add an entry to the current transaction.

    `act` is a key of ACTS; `detail` says what was chosen, in no language.
    """
    if act not in ACTS:
        raise ValueError(f"{act!r} is no act that the log knows")
    db.session.add(
        AuditEntry(
            actor=by if isinstance(by, str) else by.username,
            act=act,
            about=about.username if about is not None else "",
            detail=detail[:DETAIL_LENGTH],
        )
    )


def page(before: int | None = None, about: str = "") -> Page:
    """Return the entries before the one with the id `before`. `about`: only those about this user name."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if about:
        query = query.where(AuditEntry.about == about)
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], more=len(found) > PAGE)


def prune() -> None:
    """Delete entries older than KEPT. The caller commits."""
    db.session.execute(delete(AuditEntry).where(AuditEntry.at < now() - KEPT))
