"""Maps the tables of log-ins: logged-in browsers, browsers known from earlier, failed log-ins, and notices about an account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.database import Base
from webapp.models.accounts import User
from webapp.models.base import UtcDateTime, new_id, now


class KnownBrowser(Base):
    """A browser in which a person has logged in (webapp.accounts.known_browsers). Its cookie holds a nonce, the row its hash."""

    __tablename__ = "known_browser"

    id: Mapped[int] = mapped_column(primary_key=True)
    nonce_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # the last log-in


class LoginSession(Base):
    """A logged-in browser. The cookie holds the token, the row only its SHA-256."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True, default=new_id)  # what its owner sees
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # webapp.factors.confirmation
    browser: Mapped[str] = mapped_column(String(32), default="")  # webapp.accounts.clients, as are the next two
    system: Mapped[str] = mapped_column(String(32), default="")
    network: Mapped[str] = mapped_column(String(64), default="")
    known_browser_id: Mapped[int | None] = mapped_column(ForeignKey("known_browser.id", ondelete="SET NULL"), index=True)
    user: Mapped[User] = relationship()


class LoginFailure(Base):
    """A wrong password, for the limits per account, address, browser and log-in (webapp.security.login_throttle)."""

    __tablename__ = "login_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), index=True)  # "user:ana" or "address:203.0.113.7"
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class AccountNotice(Base):
    """Tells a person what has changed about the safety of their account, until they dismiss it (webapp.accounts.notices)."""

    __tablename__ = "account_notice"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))  # notices.KINDS
    detail: Mapped[str] = mapped_column(String(160), default="")  # in no language
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    # The browser in which it was done: that one does not show the notice, and cannot dismiss it.
    known_browser_id: Mapped[int | None] = mapped_column(ForeignKey("known_browser.id", ondelete="SET NULL"), index=True)


class NoticeMail(Base):
    """A notice that is still to be sent by mail. The reconciler sends it."""

    __tablename__ = "notice_mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(254))  # may be one that the person has just replaced
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(String(160), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # later, when the mail server did not take it
    user: Mapped[User] = relationship()
