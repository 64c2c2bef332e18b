"""Maps the tables of accounts: people, access tokens, password resets and invites."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contract.messages import USUAL_QUALITY
from webapp.core.database import Base
from webapp.models.base import UtcDateTime, new_id, now


def avatar_url(avatar: str | None) -> str | None:
    return f"/avatars/{avatar}.webp" if avatar else None


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(32))
    username_key: Mapped[str] = mapped_column(String(32), unique=True)  # lower case: Ana and ana are one name
    file_id: Mapped[str] = mapped_column(String(32), index=True, unique=True, default=new_id)  # names this person in files
    display_name: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    audience: Mapped[str] = mapped_column(String(16), default="friends")  # of new recordings: models.recordings.AUDIENCES
    keep_days: Mapped[int | None] = mapped_column()  # webapp.accounts.quotas; None: as the server has it
    quota_gb: Mapped[float | None] = mapped_column()
    language: Mapped[str | None] = mapped_column(String(16))  # webapp.i18n.language; None: as the browser asks
    browser_language: Mapped[str | None] = mapped_column(String(16))  # at the last log-in
    quality: Mapped[str] = mapped_column(String(16), default=USUAL_QUALITY)  # of new streams: contract.QUALITIES
    most_days: Mapped[int | None] = mapped_column()  # the admin's limit for keep_days; 0: none
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[str | None] = mapped_column(String(254))  # for reset links and account notices, and nothing else
    about: Mapped[str] = mapped_column(String(160), default="")
    avatar: Mapped[str | None] = mapped_column(String(32), index=True, unique=True)  # webapp.profiles.avatars
    exact_name_only: Mapped[bool] = mapped_column(default=False)  # else strangers find parts of it, too
    theme: Mapped[str] = mapped_column(String(8), default="system")  # preferences.THEMES
    shortcuts: Mapped[bool] = mapped_column(default=True)  # of the keyboard

    @property
    def avatar_url(self) -> str | None:
        return avatar_url(self.avatar)

    # What Flask-Login asks. The id in the cookie is the token of a LoginSession, so that log-out revokes it.
    is_authenticated = True
    is_active = True
    is_anonymous = False
    session_token = ""

    def get_id(self) -> str:
        return self.session_token


class FormerName(Base):
    """The name of a deleted account, as a keyed hash: nobody gets it again (webapp.accounts.former_names)."""

    __tablename__ = "former_name"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class AccessToken(Base):
    """A token that lets a script act for somebody (webapp.accounts.access_tokens)."""

    __tablename__ = "access_token"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(64))  # access_tokens.Scope, with spaces between
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: never
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    networks: Mapped[str] = mapped_column(String(1024), default="", server_default="")  # that used it, the newest last
    user: Mapped[User] = relationship()


class ResetLink(Base):
    """A link that lets its holder choose a new password for the account, once. The row holds only the SHA-256 of its token."""

    __tablename__ = "reset_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user: Mapped[User] = relationship()


class ResetRequest(Base):
    """Somebody asked for a reset link by mail.

    It is written for every name, whether an account has it or not; the reconciler answers it.
    """

    __tablename__ = "reset_wish"

    id: Mapped[int] = mapped_column(primary_key=True)
    username_key: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # later, when the mail server did not take it


class Invite(Base):
    """A link that makes its inviter and whoever opens it friends, once. The link carries the id."""

    __tablename__ = "invite"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    inviter_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    inviter: Mapped[User] = relationship()
