"""Maps the tables of friend requests, friendships and blocks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.database import Base
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, new_id, now


class FriendRequest(Base):
    __tablename__ = "friend_request"
    __table_args__ = (
        # One open request a pair, whoever sent it.
        Index(
            "ix_friend_request_open",
            "low_id",
            "high_id",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        CheckConstraint("low_id < high_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    receiver_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    low_id: Mapped[int] = mapped_column()
    high_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(String(16), default="pending")  # pending, accepted, rejected, cancelled
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sender: Mapped[User] = relationship(foreign_keys=[sender_id])
    receiver: Mapped[User] = relationship(foreign_keys=[receiver_id])


class Friendship(Base):
    """Two people who are friends. There is one row for both: `low_id` is the smaller id."""

    __tablename__ = "friendship"
    __table_args__ = (CheckConstraint("low_id < high_id"),)

    low_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    high_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Block(Base):
    """Somebody has put somebody else out of reach (webapp.friends.blocking). It says nothing about the other direction."""

    __tablename__ = "block"
    __table_args__ = (CheckConstraint("blocker_id != blocked_id"),)

    blocker_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    blocked_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    blocked: Mapped[User] = relationship(foreign_keys=[blocked_id])
