"""Maps the tables of the admin pages: the audit log, rate limits and settings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import Base
from webapp.models.base import UtcDateTime, now


class AuditEntry(Base):
    """What an admin did, or what concerns the safety of accounts (webapp.security.audit).

    It holds names instead of ids, because it outlives the accounts.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    actor: Mapped[str] = mapped_column(String(32))  # user name; "": nobody who was logged in
    act: Mapped[str] = mapped_column(String(32))  # audit.ACTS
    about: Mapped[str] = mapped_column(String(32), default="", index=True)  # user name
    detail: Mapped[str] = mapped_column(String(120), default="")  # what was chosen, in no language


class RateLimitHit(Base):
    """One use of something that is allowed only so often in a while (webapp.security.rate_limits)."""

    __tablename__ = "limited_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), index=True)  # "registration:203.0.113.7"
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Setting(Base):
    """A choice that the admin made in the pages. A setting that was never chosen has no row."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(255))
