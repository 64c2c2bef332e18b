"""Remembers who has shown the password and still has to show the second factor.

That stands in the signed session cookie for five minutes and opens nothing: a log-in begins only after the second step. It ends
with the password that was shown.
"""

from __future__ import annotations

import time

from flask import session

from webapp.core.database import db
from webapp.models import User
from webapp.security.tokens import token_hash

KEY = "second_step"
LIFETIME_S = 300


def begin(user: User) -> None:
    session[KEY] = {"user": user.id, "password": _mark(user), "at": time.time()}


def person() -> User | None:
    """Return who has shown the password in this browser, unless that was too long ago."""
    started = session.get(KEY)
    if not started or time.time() - started["at"] > LIFETIME_S:
        return None
    user = db.session.get(User, started["user"])
    if user is None or user.suspended_at is not None or started["password"] != _mark(user):
        return None
    return user


def _mark(user: User) -> str:
    """Return what changes with the password and tells nothing of it: its hash is salted."""
    return token_hash(user.password_hash)[:16]
