"""Maps the tables of the event outbox and of open event streams."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import Base
from webapp.models.base import UtcDateTime, new_id, now


class Event(Base):
    """News for one person's pages; `GET /events` tails this table."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)  # who is told
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Whose name or words it carries, and of which message, stream or recording: what is taken back there goes from here, too.
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    about: Mapped[str] = mapped_column(String(32), default="", index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids never come back, so Last-Event-ID holds


class EventConnection(Base):
    """An open event stream. Somebody is online exactly as long as they have a row here (webapp.presence.presence)."""

    __tablename__ = "event_connection"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)  # put off while the stream is open
    watching: Mapped[bool] = mapped_column(default=True)  # the page is in sight, not in the background
