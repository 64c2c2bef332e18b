"""Hashes passwords (argon2id), at most two at once so that live audio on the same machine keeps its cores."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from flask import current_app
from flask_babel import gettext as _

from webapp.core.config import Config
from webapp.core.errors import Busy, Invalid

MIN_LENGTH = 8
MAX_LENGTH = 128
HASHES_AT_ONCE = 2
MAX_WAIT_S = 10


class Passwords:
    """Hashes and verifies, as `app.extensions["passwords"]`. Every call that hashes must hold a `slot`."""

    def __init__(self, config: Config) -> None:
        self._hasher = PasswordHasher(memory_cost=config.argon2_memory_kib, time_cost=config.argon2_time_cost, parallelism=1)
        self._slots = BoundedSemaphore(HASHES_AT_ONCE)
        self._nobodys_hash = self._hasher.hash(secrets.token_hex())

    @contextmanager
    def slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=MAX_WAIT_S):
            raise Busy(_("Too many people are logging in right now. Try again in a few seconds."), retry_after_s=MAX_WAIT_S)
        try:
            yield
        finally:
            self._slots.release()

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Check a password. It takes as long for no account (None) as for one, so the time does not tell who has an account."""
        try:
            return self._hasher.verify(password_hash or self._nobodys_hash, password) and password_hash is not None
        except VerifyMismatchError:
            return False

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)


def passwords() -> Passwords:
    """Return the current app's hasher."""
    found: Passwords = current_app.extensions["passwords"]
    return found


@cache
def common_passwords() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def check_password(password: str, username: str) -> None:
    """Raise Invalid for a bad new password.

    Only length and guessability count: rules about kinds of letters make passwords worse (NIST SP 800-63B).
    """
    if len(password) < MIN_LENGTH:
        raise Invalid.field("password", _("Use %(count)d characters or more.", count=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        raise Invalid.field("password", _("Use at most %(count)d characters.", count=MAX_LENGTH))
    if password.lower() in common_passwords() or password.lower() == username.lower():
        raise Invalid.field("password", _("This password is too common. Choose another."))
