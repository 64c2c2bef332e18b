"""Maps the tables of second factors: authenticator apps and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import Base
from webapp.models.base import UtcDateTime, now


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
