"""Maps the tables of streams, their statistics and the webhooks that were handled."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contract.messages import USUAL_QUALITY
from webapp.core.database import Base
from webapp.core.text import TITLE_LENGTH
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, new_id, now

STREAM_STATES = ("starting", "checking", "live", "interrupted", "ended")


class Stream(Base):
    __tablename__ = "stream"
    __table_args__ = (
        Index(
            "ix_stream_running",
            "owner_id",
            unique=True,
            sqlite_where=text("state != 'ended'"),
            postgresql_where=text("state != 'ended'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    state: Mapped[str] = mapped_column(String(16), default="starting", index=True)
    sound_check: Mapped[bool] = mapped_column(default=False)  # True until go-live
    strength_db: Mapped[float] = mapped_column(default=100.0)
    quality: Mapped[str] = mapped_column(String(16), default=USUAL_QUALITY)  # from beginning to end
    room_key: Mapped[str] = mapped_column(String(32), default=new_id, unique=True)
    stage_number: Mapped[int] = mapped_column(default=1)
    studio_number: Mapped[int] = mapped_column(default=1)  # both count up to shut somebody out (webapp.streams.shut_out)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    live_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    # What the reconciler remembers between its rounds, so that it can be restarted.
    broadcaster_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    agent_heartbeat: Mapped[str] = mapped_column("agent_beat", String(80), default="")  # seen last, with its participant
    agent_heartbeat_at: Mapped[datetime] = mapped_column("agent_beat_at", UtcDateTime, default=now)
    agent_due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # no new dispatch before this
    dispatch_tries: Mapped[int] = mapped_column(default=0)
    listener_ids: Mapped[list[int]] = mapped_column(JSON, default=list)  # who listens now, without the owner's own ear
    reactions_on: Mapped[bool] = mapped_column(default=True)  # webapp.chat.reactions
    owner: Mapped[User] = relationship()

    @property
    def is_on_air(self) -> bool:
        """Tell whether friends see this stream. A short interruption keeps it on air; a sound check does not put it there."""
        return self.live_at is not None and self.state != "ended"


RUNNING = Stream.state != literal_column("'ended'")
"""Of streams that have not ended. The word is a part of the statement because only then a database looks into `ix_stream_running`
instead of at every stream there ever was."""


class StageSeat(Base):
    """A seat on a stage: its id is an identity there that says nothing, and only this row knows whose it is."""

    __tablename__ = "stage_seat"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    login: Mapped[str] = mapped_column(String(32))  # the mark of the log-in that asked for it (accounts.sessions.login_mark)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class StreamSample(Base):
    """How many people listened from this moment on, and how much noise was removed then (webapp.streams.statistics)."""

    __tablename__ = "stream_sample"

    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, default=now)
    listeners: Mapped[int] = mapped_column()
    removed_db: Mapped[float | None] = mapped_column()  # None: not known


class WebhookDelivery(Base):
    """The id of a webhook that was handled: the same one may arrive twice."""

    __tablename__ = "webhook_delivery"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
