"""Maps the tables of recordings: a cache of the sidecar files, and who may and did listen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from webapp.core.database import Base
from webapp.core.text import KEY_LENGTH, TITLE_LENGTH, search_key
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, now

AUDIENCES = ("friends", "chosen", "nobody")
"""Who may hear a recording beside its owner."""


class Recording(Base):
    """A cache of a sidecar. The id is the stream's."""

    __tablename__ = "recording"
    __table_args__ = (
        # One for each order of webapp.recordings.listing: a page is then the next 50 entries of an index, however many there are.
        Index("ix_recording_owner_started", "owner_id", "started_at", "id"),
        Index("ix_recording_owner_duration", "owner_id", "duration", "id"),
        Index("ix_recording_owner_title", "owner_id", "title_key", "id"),
        # Partial: nearly all rows have no such time, and an index over those would lead the planner astray.
        Index("ix_recording_clip_of", "clip_of", sqlite_where=text("clip_of != ''"), postgresql_where=text("clip_of != ''")),
        Index(
            "ix_recording_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    title_key: Mapped[str] = mapped_column(String(KEY_LENGTH))  # search_key(title)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration: Mapped[float] = mapped_column(default=0.0)
    size: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16))  # contract.MANIFEST_STATES
    gaps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    paused: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    audience: Mapped[str] = mapped_column(String(16), default="friends")  # AUDIENCES
    outline: Mapped[bytes | None] = mapped_column(LargeBinary)  # webapp.recordings.waveform; None until it is finished
    clip_of: Mapped[str] = mapped_column(String(32), default="")  # id of the whole recording
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[User] = relationship()

    @validates("title")
    def _set_key(self, _name: str, title: str) -> str:
        self.title_key = search_key(title)
        return title


class RecordingShare(Base):
    """A friend who was chosen to hear a recording."""

    __tablename__ = "recording_share"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)


class RecordingListen(Base):
    """How often and how far somebody has listened to a friend's recording."""

    __tablename__ = "recording_listen"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    times: Mapped[int] = mapped_column()
    furthest: Mapped[float] = mapped_column()  # seconds from the beginning
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    listener: Mapped[User] = relationship()


class DiscardedRecording(Base):
    """A recording of a deleted account: its files are deleted and never taken over again (webapp.recordings.ingest)."""

    __tablename__ = "discarded_recording"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
