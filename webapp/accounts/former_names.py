"""Remembers the names of deleted accounts, which are never given to anybody else.

Whoever knew the person would take the next one of that name for them. What is kept is a keyed hash: without
STILLAIR_SECRET_KEY it says nothing of the name.
"""

from __future__ import annotations

from webapp.core.database import db
from webapp.models import FormerName
from webapp.security.sealing import keyed_hash


def is_former(username: str) -> bool:
    """Tell whether an account of this name was deleted."""
    return db.session.get(FormerName, _hash(username)) is not None


def retire(username: str) -> None:
    """Remember a name whose account is deleted in the current transaction."""
    db.session.merge(FormerName(name_hash=_hash(username)))


def _hash(username: str) -> str:
    return keyed_hash(username.lower(), "former name")
