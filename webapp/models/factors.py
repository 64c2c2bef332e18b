"""Maps the tables of second factors: authenticator apps, passkeys and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.database import Base
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, new_id, now


class AuthenticatorApp(Base):
    """The app of a person that shows a code every 30 s (webapp.factors.authenticator_app)."""

    __tablename__ = "authenticator_app"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(255))  # webapp.security.sealing
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: no code has shown yet that the app has it
    last_step: Mapped[int] = mapped_column(default=0)  # of the code that was used last: no code works twice


class RecoveryCode(Base):
    """A code that stands in for a second factor, once. The row holds only its SHA-256."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)


class Passkey(Base):
    """A key that a device or a password manager of the person holds (webapp.factors.passkeys). Only its public half is here."""

    __tablename__ = "passkey"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)  # the most that WebAuthn allows
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    challenged_at: Mapped[datetime] = mapped_column(UtcDateTime)  # when the last challenge that it answered was made
    user: Mapped[User] = relationship()
