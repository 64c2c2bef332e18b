"""Maps the tables of the chat and the reactions of a stream on air."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.database import Base
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, new_id, now
from webapp.models.streams import Stream


class ChatMessage(Base):
    """A message in the chat of a stream.

    When the stream is over, it moves into a file beside the recording (webapp.chat.archive).
    """

    __tablename__ = "chat_message"
    __table_args__ = (Index("ix_chat_message_stream_at", "stream_id", "at", "id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    stream: Mapped[Stream] = relationship()
    author: Mapped[User] = relationship()


class ChatMute(Base):
    """Somebody who may not write in the chat of one stream."""

    __tablename__ = "chat_mute"

    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    user: Mapped[User] = relationship()


class Reaction(Base):
    """A heart or the like, without its author. It moves into the same file as the chat."""

    __tablename__ = "reaction"
    __table_args__ = (Index("ix_reaction_stream_kind", "stream_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))  # chat.schemas.KINDS
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
