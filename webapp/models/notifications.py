"""Maps the tables of push subscriptions and of the messages that wait to be sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.database import Base
from webapp.models.base import UtcDateTime, now
from webapp.models.log_ins import LoginSession
from webapp.models.streams import Stream


class PushSubscription(Base):
    """A logged-in browser that is woken when a friend goes live (webapp.notifications.subscriptions). It goes with its log-in."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id", ondelete="CASCADE"), unique=True)
    endpoint: Mapped[str] = mapped_column(String(1024), unique=True)  # whoever knows it can send there: as secret as a token
    p256dh: Mapped[str] = mapped_column(String(88))  # the browser's public key, base64url
    auth: Mapped[str] = mapped_column(String(24))  # and the secret it shares with us
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    session: Mapped[LoginSession] = relationship()


class PushMessage(Base):
    """A push that waits to be sent: it tells one browser once that a friend's stream has begun (webapp.notifications.sender)."""

    __tablename__ = "push_message"
    __table_args__ = (Index("ix_push_message_once", "subscription_id", "stream_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id", ondelete="CASCADE"))
    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), index=True)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    subscription: Mapped[PushSubscription] = relationship()
    stream: Mapped[Stream] = relationship()


class MutedNotification(Base):
    """Somebody does not want to be told when this friend goes live; without a row one is told (webapp.notifications.go_live)."""

    __tablename__ = "notice_off"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    friend_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
