"""Seals small secrets that the server has to read again, so that a copy of the database alone gives none of them away.

The key is made of STILLAIR_SECRET_KEY: with another one, what was sealed cannot be opened any more.
"""

from __future__ import annotations

import base64

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


def _box(purpose: str) -> Fernet:
    """Return the cipher for a purpose (RFC 5869: one key for each)."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(current_config().secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
