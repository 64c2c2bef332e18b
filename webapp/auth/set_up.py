"""Gives a fresh server to whoever started it: the first account, which is the admin's, is made with the set-up link.

The link is printed at the start, its token lies in the data folder, and it is worth nothing as soon as there is an account. A
server that only its own machine reaches needs none.
"""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import select

from contract import set_up
from contract.disk import atomic_write
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.models import User


def is_first() -> bool:
    """Return whether nobody has registered yet."""
    return db.session.scalar(select(User.id).limit(1)) is None


def link() -> str | None:
    """Return the set-up link, and make its token if there is none yet. None: it is not needed."""
    config = current_config()
    if config.is_private or not is_first():
        withdraw()
        return None
    token = set_up.kept_token(config.data) or secrets.token_urlsafe(32)
    atomic_write(config.data / set_up.FILE, token.encode(), durable=True)
    return set_up.link(config.public_url, token)


def admits(token: str) -> bool:
    """Return whether the first account may be made with this token."""
    config = current_config()
    kept = set_up.kept_token(config.data)
    return config.is_private or (kept is not None and hmac.compare_digest(kept.encode(), token.encode()))


def withdraw() -> None:
    (current_config().data / set_up.FILE).unlink(missing_ok=True)
