"""Manages recovery codes, for when somebody has lost the app or the device that is their second factor. Each works once."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, func, select

from webapp.core.database import affected_rows, db
from webapp.models import RecoveryCode, User
from webapp.security.tokens import token_hash

COUNT = 10
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that look alike; 32, so a letter is 5 bits
LENGTH = 16  # 80 bits: nobody finds one from its hash
GROUP = 4


def renew(user: User) -> list[str]:
    """Return new codes, which nobody can see again, in the current transaction. The former ones end."""
    remove(user)
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(COUNT)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=token_hash(code)) for code in codes)
    return ["-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP)) for code in codes]


def accept(user: User, code: str) -> bool:
    """Use a code up, in the current transaction. Returns whether it counted."""
    plain = "".join(letter for letter in code.lower() if letter in LETTERS)
    mine = RecoveryCode.user_id == user.id, RecoveryCode.code_hash == token_hash(plain)
    return bool(affected_rows(delete(RecoveryCode).where(*mine)))


def left(user: User) -> int:
    return db.session.scalar(select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)) or 0


def remove(user: User) -> None:
    """Remove all codes, in the current transaction."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
