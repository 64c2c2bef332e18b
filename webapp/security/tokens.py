"""Hashes random tokens, which are shown to one person and kept only as their hash."""

from __future__ import annotations

import hashlib


def token_hash(token: str) -> str:
    """Return the SHA-256 of `token` in hexadecimal: the token has so many random bits that it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
