"""Scopes: what an access token may do."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext


class Scope(StrEnum):
    READ = "read"
    FRIENDS = "friends"
    STREAM = "stream"
    RECORDINGS = "recordings"
    CHAT = "chat"


SCOPES = {
    Scope.READ: lazy_gettext("See friends and who is live, listen to streams and recordings"),
    Scope.FRIENDS: lazy_gettext("Send and answer friend requests, end friendships"),
    Scope.STREAM: lazy_gettext("Start and stop streams"),
    Scope.RECORDINGS: lazy_gettext("Rename, share, clip and delete recordings"),
    Scope.CHAT: lazy_gettext("Write and react in chats, delete and mute in your own"),
}
