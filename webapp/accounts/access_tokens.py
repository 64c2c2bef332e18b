"""Manages access tokens, by which a script acts for somebody within the scopes they gave it.

The token is shown once, and the row has only its SHA-256. Revoking it, its expiry, a new password or the end of the account end
it at once; whoever changes the password may keep it. The audit log says when one is made, used from a new address, and revoked.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, delete, func, or_, select

from webapp.accounts import notices
from webapp.accounts.signals import login_ended
from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict, Invalid, NotFound, TooMany
from webapp.core.text import clean, is_visible
from webapp.models import AccessToken, User, now
from webapp.openapi.scopes import Scope
from webapp.security import audit, rate_limits
from webapp.security.tokens import token_hash

PREFIX = "stillair_"  # by which scanners for lost secrets know one
MAX_TOKENS = 20  # of one person
NAME_LENGTH = 64
DAYS = (30, 90, 365)  # how long one may last, unless it is for good
NETWORKS = 20  # from which a token is known to be used
USED_EVERY = timedelta(minutes=10)  # how exactly the last use is kept; each is a write


def tokens_of(owner: User) -> list[AccessToken]:
    """Return the owner's tokens, newest first, with those that have ended."""
    query = select(AccessToken).where(AccessToken.user_id == owner.id)
    return list(db.session.scalars(query.order_by(AccessToken.created_at.desc(), AccessToken.id)))


def make(owner: User, name: str, scopes: Iterable[str], days: str) -> str:
    """Return a new token, which nobody can read again.

    `days`: "" for good, or one of DAYS. Raises Invalid, or Conflict when the owner has too many.
    """
    name, wanted = clean(name), [scope for scope in Scope if scope in set(scopes)]
    if not is_visible(name) or len(name) > NAME_LENGTH:
        raise Invalid.field("name", _("Use 1 to %(count)d characters.", count=NAME_LENGTH))
    if not wanted:
        raise Invalid.field("scopes", _("Choose at least one."))
    if days not in ("", *map(str, DAYS)):
        raise Invalid.field("days", _("Choose one from the list."))
    token = PREFIX + secrets.token_urlsafe(32)
    ends_at = now() + timedelta(days=int(days)) if days else None
    row = AccessToken(user=owner, name=name, token_hash=token_hash(token), scopes=" ".join(wanted), expires_at=ends_at)
    db.session.add(row)
    db.session.flush()  # SQLite lets nobody else write from here on
    if (db.session.scalar(select(func.count()).where(AccessToken.user_id == owner.id)) or 0) > MAX_TOKENS:
        db.session.rollback()
        raise Conflict(_("You have %(count)d access tokens. Revoke one first.", count=MAX_TOKENS))
    audit.record(owner, "token.made", owner, ", ".join(filter(None, (mark(row.id), row.scopes, days and f"{days} d"))))
    notices.notify(owner, "token.made", name)
    db.session.commit()
    return token


def revoke(owner: User, token_id: str) -> None:
    """Delete one of the owner's tokens. Raises NotFound."""
    if not affected_rows(delete(AccessToken).where(AccessToken.id == token_id, AccessToken.user_id == owner.id)):
        raise NotFound
    audit.record(owner, "token.revoked", owner, mark(token_id))
    db.session.commit()
    login_ended.send(owner.id)


def revoke_all(owner: User) -> None:
    """Delete all tokens of the owner, in the current transaction."""
    for token in tokens_of(owner):
        audit.record(audit.NOBODY, "token.revoked", owner, mark(token.id))
        db.session.delete(token)


def find(token: str) -> AccessToken | None:
    """Return a token that still counts. Wrong ones need no rate limit: nobody guesses 256 bits."""
    if not token.startswith(PREFIX):
        return None
    found = db.session.scalar(select(AccessToken).where(AccessToken.token_hash == token_hash(token)))
    if found is None or is_over(found) or found.user.suspended_at is not None:
        return None
    return found


def hashes_query(owner_ids: Iterable[int]) -> Select[str]:
    """Select the hashes of these people's tokens that still count."""
    lasting = or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now())
    query = select(AccessToken.token_hash).join(AccessToken.user)
    return query.where(AccessToken.user_id.in_(list(owner_ids)), lasting, User.suspended_at.is_(None))


def is_over(token: AccessToken) -> bool:
    return token.expires_at is not None and token.expires_at <= now()


def scopes_of(token: AccessToken) -> list[Scope]:
    return [Scope(scope) for scope in token.scopes.split()]


def record_use(token: AccessToken, network: str) -> None:
    """Note that the token is used, from this network (webapp.security.addresses)."""
    known = token.networks.split()
    if network not in known:
        _record_network(token, network)
        token.networks = " ".join([*known, network][-NETWORKS:])
    elif token.used_at is not None and now() - token.used_at <= USED_EVERY:
        return
    token.used_at = now()
    db.session.commit()


def _record_network(token: AccessToken, network: str) -> None:
    """Write a new network into the audit log, but not so many that nothing else can be found there."""
    try:
        rate_limits.check("token network", token.id)
    except TooMany:
        return
    rate_limits.record("token network", token.id)
    audit.record(token.user, "token.used", token.user, f"{mark(token.id)}, {network}")


def mark(token_id: str) -> str:
    """Return by what the audit log knows a token: its name is what somebody typed."""
    return f"#{int(token_id[:6], 16)}"
