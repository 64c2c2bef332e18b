"""What is kept of one person in the database, table by table, for the export (webapp.privacy.data_export).

Every table has its place here, and every column of a table that is shown: a test walks the models, so "everything that is stored
about you" stays true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from webapp import models
from webapp.core.database import Base, db
from webapp.models import (
    AccessToken,
    AccountNotice,
    AuditEntry,
    AuthenticatorApp,
    Block,
    ChatMessage,
    ChatMute,
    FriendRequest,
    Friendship,
    Invite,
    KnownBrowser,
    LoginFailure,
    LoginSession,
    MutedNotification,
    NoticeMail,
    Passkey,
    PushSubscription,
    RateLimitHit,
    Recording,
    RecordingListen,
    RecordingShare,
    ResetLink,
    ResetRequest,
    StageSeat,
    Stream,
    StreamSample,
    User,
    rfc3339,
)
from webapp.security import rate_limits


@dataclass(frozen=True)
class Part:
    """The rows of one table that concern a person. `hidden`: secrets, and what means something to this server only."""

    model: type[Base]
    is_of: Callable[[User], ColumnElement[bool]]
    shown: str  # names of columns
    hidden: str = ""


def _log_ins(user: User) -> Any:
    return select(LoginSession.id).where(LoginSession.user_id == user.id)


def _streams(user: User) -> Any:
    return select(Stream.id).where(Stream.owner_id == user.id)


def _failures(user: User) -> ColumnElement[bool]:
    log_ins = [f"login:{number}" for number in db.session.scalars(_log_ins(user))]
    known = select(KnownBrowser.id).where(KnownBrowser.user_id == user.id)
    browsers = [f"browser:{number}" for number in db.session.scalars(known)]
    return LoginFailure.subject.in_([f"user:{user.username_key}", f"code:{user.id}", *log_ins, *browsers])


PARTS: Mapping[str, Part] = {
    "account": Part(
        User,
        lambda user: User.id == user.id,
        "username display_name about email is_admin created_at last_seen_at suspended_at audience keep_days most_days quota_gb "
        "language browser_language quality exact_name_only theme shortcuts file_id avatar",
        "id username_key password_hash",
    ),
    "friend-requests": Part(
        FriendRequest,
        lambda user: or_(FriendRequest.sender_id == user.id, FriendRequest.receiver_id == user.id),
        "sender_id receiver_id status created_at",
        "id low_id high_id",
    ),
    "blocked": Part(Block, lambda user: Block.blocker_id == user.id, "blocked_id created_at", "blocker_id"),
    "invites": Part(Invite, lambda user: Invite.inviter_id == user.id, "created_at expires_at used_at", "id inviter_id"),
    "streams": Part(
        Stream,
        lambda user: Stream.owner_id == user.id,
        "id title state sound_check strength_db quality started_at live_at ended_at reactions_on",
        "owner_id room_key stage_number studio_number broadcaster_seen_at agent_beat agent_beat_at agent_due_at dispatch_tries "
        "listener_ids",
    ),
    "listeners-of-your-streams": Part(
        StreamSample, lambda user: StreamSample.stream_id.in_(_streams(user)), "stream_id at listeners removed_db"
    ),
    "listening": Part(StageSeat, lambda user: StageSeat.user_id == user.id, "stream_id created_at", "id user_id login"),
    "chat-messages": Part(ChatMessage, lambda user: ChatMessage.author_id == user.id, "id stream_id text at", "author_id"),
    "chats-that-muted-you": Part(ChatMute, lambda user: ChatMute.user_id == user.id, "stream_id", "user_id"),
    "plays": Part(
        RecordingListen,
        lambda user: RecordingListen.user_id == user.id,
        "recording_id times furthest last_at",
        "user_id",
    ),
    "shared-with-you": Part(RecordingShare, lambda user: RecordingShare.user_id == user.id, "recording_id", "user_id"),
    "log-ins": Part(
        LoginSession,
        lambda user: LoginSession.user_id == user.id,
        "public_id created_at seen_at confirmed_at browser system network",
        "id token_hash user_id known_browser_id",
    ),
    "known-browsers": Part(KnownBrowser, lambda user: KnownBrowser.user_id == user.id, "used_at", "id nonce_hash user_id"),
    "failed-log-ins": Part(LoginFailure, _failures, "subject at", "id"),
    "access-tokens": Part(
        AccessToken,
        lambda user: AccessToken.user_id == user.id,
        "id name scopes created_at expires_at used_at networks",
        "token_hash user_id",
    ),
    "authenticator-app": Part(
        AuthenticatorApp,
        lambda user: AuthenticatorApp.user_id == user.id,
        "created_at confirmed_at",
        "user_id secret last_step",
    ),
    "passkeys": Part(
        Passkey,
        lambda user: Passkey.user_id == user.id,
        "id name created_at used_at",
        "user_id credential_id public_key sign_count challenged_at",
    ),
    "reset-links": Part(ResetLink, lambda user: ResetLink.user_id == user.id, "expires_at", "token_hash user_id"),
    "reset-requests": Part(
        ResetRequest, lambda user: ResetRequest.username_key == user.username_key, "at", "id username_key try_at"
    ),
    "push-subscriptions": Part(
        PushSubscription,
        lambda user: PushSubscription.session_id.in_(_log_ins(user)),
        "created_at",
        "id session_id endpoint p256dh auth",
    ),
    "muted-friends": Part(MutedNotification, lambda user: MutedNotification.user_id == user.id, "friend_id", "user_id"),
    "notices": Part(
        AccountNotice,
        lambda user: AccountNotice.user_id == user.id,
        "kind detail at",
        "id user_id known_browser_id",
    ),
    "mails-to-send": Part(NoticeMail, lambda user: NoticeMail.user_id == user.id, "address kind detail at", "id user_id try_at"),
    "audit-log": Part(
        AuditEntry,
        lambda user: or_(AuditEntry.actor == user.username, AuditEntry.about == user.username),
        "at actor act about detail",
        "id",
    ),
    "counted-acts": Part(
        RateLimitHit,
        lambda user: RateLimitHit.subject.in_([f"{limit}:{user.id}" for limit in rate_limits.LIMITS]),
        "subject at",
        "id",
    ),
}
"""Documents of the export, by their names."""

LEFT_OUT: Mapping[type[Base], str] = {
    Friendship: "in friends.json, with the names that friends show",
    Recording: "in recordings.json, as the API shows it, with the sound if that is asked for",
    models.Event: "what open pages are told, for a day at most; it is all in other tables",
    models.EventConnection: "pages that are open at this moment",
    models.PushMessage: "pushes that are about to be sent",
    models.RecoveryCode: "hashes of secrets; the settings page says how many are left",
    models.Reaction: "without their authors",
    models.FormerName: "hashes of the names of people who are gone",
    models.DiscardedRecording: "files of accounts that are gone, for minutes",
    models.WebhookDelivery: "messages of the audio server",
    models.Setting: "choices of the admin for all",
}


def documents(user: User) -> dict[str, list[dict[str, Any]]]:
    """Return all parts of a person, by their names."""
    return {name: _rows(part, user) for name, part in PARTS.items()}


def _rows(part: Part, user: User) -> list[dict[str, Any]]:
    columns = [part.model.__table__.columns[name] for name in part.shown.split()]
    rows = db.session.execute(select(*columns).select_from(part.model).where(part.is_of(user))).all()
    people = {column for column in columns if column.references(User.__table__.columns["id"])}
    ids = {row._mapping[column] for row in rows for column in people}
    names = {user.id: user.username for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
    return [
        {
            column.name.removesuffix("_id") if column in people else column.name: names[value]
            if column in people
            else _plain(value)
            for column, value in zip(columns, row, strict=True)
        }
        for row in rows
    ]


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value
