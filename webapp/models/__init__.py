"""Maps the tables of the database. Ids that people see are 32 hex digits (128 random bits); times are UTC."""

from __future__ import annotations

from webapp.models.accounts import AccessToken, FormerName, Invite, ResetLink, ResetRequest, User
from webapp.models.admin import AuditEntry, RateLimitHit, Setting
from webapp.models.base import UtcDateTime, new_id, now, parse_rfc3339, rfc3339
from webapp.models.chat import ChatMessage, ChatMute, Reaction
from webapp.models.events import Event, EventConnection
from webapp.models.factors import AuthenticatorApp, Passkey, RecoveryCode
from webapp.models.friends import Block, FriendRequest, Friendship
from webapp.models.log_ins import AccountNotice, KnownBrowser, LoginFailure, LoginSession, NoticeMail
from webapp.models.notifications import MutedNotification, PushMessage, PushSubscription
from webapp.models.recordings import AUDIENCES, DiscardedRecording, Recording, RecordingListen, RecordingShare
from webapp.models.streams import RUNNING, STREAM_STATES, StageSeat, Stream, StreamSample, WebhookDelivery

__all__ = [
    "AUDIENCES",
    "RUNNING",
    "STREAM_STATES",
    "AccessToken",
    "AccountNotice",
    "AuditEntry",
    "AuthenticatorApp",
    "Block",
    "ChatMessage",
    "ChatMute",
    "DiscardedRecording",
    "Event",
    "EventConnection",
    "FormerName",
    "FriendRequest",
    "Friendship",
    "Invite",
    "KnownBrowser",
    "LoginFailure",
    "LoginSession",
    "MutedNotification",
    "NoticeMail",
    "Passkey",
    "PushMessage",
    "PushSubscription",
    "RateLimitHit",
    "Reaction",
    "Recording",
    "RecordingListen",
    "RecordingShare",
    "RecoveryCode",
    "ResetLink",
    "ResetRequest",
    "Setting",
    "StageSeat",
    "Stream",
    "StreamSample",
    "User",
    "UtcDateTime",
    "WebhookDelivery",
    "new_id",
    "now",
    "parse_rfc3339",
    "rfc3339",
]
