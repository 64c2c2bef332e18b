"""Seals small secrets that the server has to read again, so that a copy of the database alone gives none of them away.

The keys are made of STILLAIR_SECRET_KEY: with another one, what was sealed cannot be opened any more, and what was hashed is not
known again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from webapp.core.config import current_config


def seal(secret: str, purpose: str) -> str:
    return _box(purpose).encrypt(secret.encode()).decode()


def opened(sealed: str, purpose: str) -> str | None:
    """Return what was sealed for the same purpose, or None when it was sealed with another key."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def keyed_hash(text: str, purpose: str) -> str:
    """Return a hash by which a short text is known again. Without the key nobody finds out the text by trying."""
    return hmac.new(_key(purpose), text.encode(), hashlib.sha256).hexdigest()


def _box(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose)))


def _key(purpose: str) -> bytes:
    """Return the key for a purpose (RFC 5869: one for each)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(current_config().secret_key.encode())
