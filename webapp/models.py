"""Tables. Ids that people see are 32 hex digits (128 random bits); times are UTC."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, DateTime, Dialect, ForeignKey, Index, LargeBinary, String, TypeDecorator, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from contract import USUAL_QUALITY
from webapp.extensions import Base
from webapp.text import KEY_LENGTH, search_key


def new_id() -> str:
    return secrets.token_hex(16)


def now() -> datetime:
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """As times stand in the JSON API: 2026-01-31T12:34:56.789Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC; SQLite keeps no time zone of its own."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(32))
    username_key: Mapped[str] = mapped_column(String(32), unique=True)     # lower case: Ana and ana are one name
    display_name: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    audience: Mapped[str] = mapped_column(String(16), default="friends")   # of new recordings: sharing.AUDIENCES
    keep_days: Mapped[int | None] = mapped_column()                        # webapp.allowance; None: as the server has it
    quota_gb: Mapped[float | None] = mapped_column()
    quality: Mapped[str] = mapped_column(String(16), default=USUAL_QUALITY)    # of new streams: contract.QUALITIES
    most_days: Mapped[int | None] = mapped_column()                        # the admin's limit for keep_days; 0: none
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[str | None] = mapped_column(String(254))                 # for a reset link by mail, and nothing else
    about: Mapped[str] = mapped_column(String(160), default="")
    avatar: Mapped[str | None] = mapped_column(String(32), index=True, unique=True)     # webapp.avatars
    exact_name_only: Mapped[bool] = mapped_column(default=False)           # else strangers find parts of it, too
    theme: Mapped[str] = mapped_column(String(8), default="system")        # preferences.THEMES
    shortcuts: Mapped[bool] = mapped_column(default=True)                  # of the keyboard

    @property
    def avatar_url(self) -> str | None:
        return f"/avatars/{self.avatar}.webp" if self.avatar else None

    # What Flask-Login asks. The id in the cookie is the token of a LoginSession, so that log-out revokes it.
    is_authenticated = True
    is_active = True
    is_anonymous = False
    session_token = ""

    def get_id(self) -> str:
        return self.session_token


class LoginSession(Base):
    """A logged-in browser. The cookie holds the token, the row only its SHA-256."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship()


class AccessToken(Base):
    """By which a script acts for somebody (webapp.access_tokens)."""

    __tablename__ = "access_token"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(64))                        # access_tokens.Scope, with spaces between
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)       # None: never
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship()


class PushSubscription(Base):
    """A logged-in browser that is woken when a friend goes live (webapp.push_subscriptions). It goes with its log-in."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id", ondelete="CASCADE"), unique=True)
    endpoint: Mapped[str] = mapped_column(String(1024), unique=True)       # whoever knows it can send there: as secret as a token
    p256dh: Mapped[str] = mapped_column(String(88))                        # the browser's public key, base64url
    auth: Mapped[str] = mapped_column(String(24))                          # and the secret it shares with us
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    session: Mapped[LoginSession] = relationship()


class PushMessage(Base):
    """A push that waits to be sent: that a friend's stream has begun, once for each browser (webapp.push_sender)."""

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


class NoticeOff(Base):
    """Somebody does not want to be told when this friend goes live; without a row one is told (webapp.notices)."""

    __tablename__ = "notice_off"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    friend_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)


class LoginFailure(Base):
    """A failed log-in, for the limits per account and per address."""

    __tablename__ = "login_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), index=True)          # "user:ana" or "address:203.0.113.7"
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class ResetLink(Base):
    """Lets whoever has the link choose a new password for the account, once. The link holds the token, the row its SHA-256."""

    __tablename__ = "reset_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user: Mapped[User] = relationship()


class ResetWish(Base):
    """Somebody wants a reset link by mail. Written for every name, whether an account has it or not; the reconciler answers."""

    __tablename__ = "reset_wish"

    id: Mapped[int] = mapped_column(primary_key=True)
    username_key: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)     # later, when the mail server did not take it


class AuditEntry(Base):
    """What an admin did, and what concerns the safety of accounts (webapp.audit). Names, not ids: it outlives the accounts."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    actor: Mapped[str] = mapped_column(String(32))                         # user name; "": nobody who was logged in
    act: Mapped[str] = mapped_column(String(32))                           # audit.ACTS
    about: Mapped[str] = mapped_column(String(32), default="", index=True) # user name
    detail: Mapped[str] = mapped_column(String(120), default="")           # what was chosen, in no language


class LimitedAct(Base):
    """Something that somebody may do only so often in an hour (webapp.hourly_limits)."""

    __tablename__ = "limited_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), index=True)          # "registration:203.0.113.7"
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Setting(Base):
    """What the admin has chosen in the pages; what was never chosen has no row."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(255))


class Invite(Base):
    """A link that makes its inviter and whoever opens it friends, once. The id is what the link carries."""

    __tablename__ = "invite"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    inviter_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    inviter: Mapped[User] = relationship()


class FriendRequest(Base):
    __tablename__ = "friend_request"
    __table_args__ = (
        # One open request a pair, whoever sent it.
        Index("ix_friend_request_open", "low_id", "high_id", unique=True,
              sqlite_where=text("status = 'pending'"), postgresql_where=text("status = 'pending'")),
        CheckConstraint("low_id < high_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    receiver_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    low_id: Mapped[int] = mapped_column()
    high_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(String(16), default="pending")     # pending, accepted, rejected, cancelled
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sender: Mapped[User] = relationship(foreign_keys=[sender_id])
    receiver: Mapped[User] = relationship(foreign_keys=[receiver_id])


class Friendship(Base):
    """Two people who are friends, once: `low_id` is the smaller id."""

    __tablename__ = "friendship"
    __table_args__ = (CheckConstraint("low_id < high_id"),)

    low_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    high_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Block(Base):
    """Somebody is out of reach for somebody else (webapp.blocks). It says nothing of the other way round."""

    __tablename__ = "block"
    __table_args__ = (CheckConstraint("blocker_id != blocked_id"),)

    blocker_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    blocked_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    blocked: Mapped[User] = relationship(foreign_keys=[blocked_id])


STREAM_STATES = ("starting", "checking", "live", "interrupted", "ended")


class Stream(Base):
    __tablename__ = "stream"
    __table_args__ = (
        Index("ix_stream_running", "owner_id", unique=True,
              sqlite_where=text("state != 'ended'"), postgresql_where=text("state != 'ended'")),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(16), default="starting", index=True)
    sound_check: Mapped[bool] = mapped_column(default=False)               # True until go-live
    strength_db: Mapped[float] = mapped_column(default=100.0)
    quality: Mapped[str] = mapped_column(String(16), default=USUAL_QUALITY)    # from beginning to end
    room_key: Mapped[str] = mapped_column(String(32), default=new_id, unique=True)
    stage_number: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    live_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    # What the reconciler remembers between its rounds, so that it can be restarted.
    broadcaster_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    agent_beat: Mapped[str] = mapped_column(String(80), default="")         # participant and heartbeat seen last
    agent_beat_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    agent_due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)   # no new dispatch before this
    dispatch_tries: Mapped[int] = mapped_column(default=0)
    reactions_on: Mapped[bool] = mapped_column(default=True)               # webapp.reactions
    owner: Mapped[User] = relationship()


class ChatMessage(Base):
    """Said in the chat of a stream. When the stream is over it moves into a file beside the recording (webapp.chat_record)."""

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
    """A heart or the like, and not whose. Moves into the same file as the chat."""

    __tablename__ = "reaction"
    __table_args__ = (Index("ix_reaction_stream_kind", "stream_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))                          # reactions.KINDS
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class StreamSample(Base):
    """How many listened from this moment on, and how much noise was removed then (webapp.attendance)."""

    __tablename__ = "stream_sample"

    stream_id: Mapped[str] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, default=now)
    listeners: Mapped[int] = mapped_column()
    removed_db: Mapped[float | None] = mapped_column()                     # None: not known


class Recording(Base):
    """Cache of a sidecar; the id is the stream's."""

    __tablename__ = "recording"
    __table_args__ = (
        # One for each order of webapp.catalogue: a page is then the next 50 entries of an index, however many there are.
        Index("ix_recording_owner_started", "owner_id", "started_at", "id"),
        Index("ix_recording_owner_duration", "owner_id", "duration", "id"),
        Index("ix_recording_owner_title", "owner_id", "title_key", "id"),
        # Partial: nearly all rows have no such time, and an index over those would lead the planner astray.
        Index("ix_recording_clip_of", "clip_of", sqlite_where=text("clip_of != ''"), postgresql_where=text("clip_of != ''")),
        Index("ix_recording_deleted", "deleted_at",
              sqlite_where=text("deleted_at IS NOT NULL"), postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(120))
    title_key: Mapped[str] = mapped_column(String(KEY_LENGTH))             # search_key(title)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration: Mapped[float] = mapped_column(default=0.0)
    size: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16))                         # contract.MANIFEST_STATES
    gaps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    paused: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    audience: Mapped[str] = mapped_column(String(16), default="friends")   # sharing.AUDIENCES
    outline: Mapped[bytes | None] = mapped_column(LargeBinary)             # webapp.waves; None until it is finished
    clip_of: Mapped[str] = mapped_column(String(32), default="")           # id of the whole recording
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
    """How often and how far somebody listened to a friend's recording."""

    __tablename__ = "recording_listen"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    times: Mapped[int] = mapped_column()
    furthest: Mapped[float] = mapped_column()                              # seconds from the beginning
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    listener: Mapped[User] = relationship()


class DiscardedRecording(Base):
    """Of somebody whose account is gone: its files are deleted, and never taken over again (webapp.library)."""

    __tablename__ = "discarded_recording"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Event(Base):
    """Something a person's pages must hear of; `GET /events` tails this table."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)   # who is told
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    __table_args__ = ({"sqlite_autoincrement": True},)                     # ids never come back, so Last-Event-ID holds


class EventConnection(Base):
    """An open event stream. Somebody is online exactly as long as a row of theirs is here (webapp.presence)."""

    __tablename__ = "event_connection"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)      # put off while the stream is open
    watching: Mapped[bool] = mapped_column(default=True)                       # the page is in sight, not in the background


class WebhookDelivery(Base):
    """Ids of webhooks that were handled: the same one may arrive twice."""

    __tablename__ = "webhook_delivery"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
