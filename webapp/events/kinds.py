"""The kinds of events and the data that each carries. Times are RFC 3339 in UTC.

`stream` in events about a stream is the object that the JSON API calls a stream (webapp.streams.schemas.Stream); in events of a
chat it is the stream's id. The docstrings are shown to people on the page about the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict


class FriendOnline(TypedDict):
    """A friend has opened a first page. Sent to friends."""

    username: str


class FriendOffline(TypedDict):
    """A friend has closed the last page. Sent to friends."""

    username: str
    last_seen: str


class FriendAdded(TypedDict):
    """Two people became friends by an invite link. Sent to both, each with the other's name."""

    username: str


class FriendRenamed(TypedDict):
    """Somebody changed their profile or picture. Sent to them, to friends and to people with an open request."""

    username: str
    display_name: str
    avatar: str | None  # address of the picture


class FriendRemoved(TypedDict):
    """A friendship ended. Sent to both, each with the other's name."""

    username: str


class FriendRequestReceived(TypedDict):
    """Somebody asks to be friends. Sent to the receiver."""

    id: str
    username: str
    created_at: str


class FriendRequestAccepted(TypedDict):
    """A friend request was accepted. Sent to both, each with the other's name."""

    id: str
    username: str


class FriendRequestClosed(TypedDict):
    """A friend request was rejected or withdrawn, or a block ended it. Sent to both."""

    id: str


class NoticeLive(TypedDict):
    """A friend has gone live. Sent to friends who want to be notified of it."""

    username: str
    display_name: str
    title: str


class StreamLive(TypedDict):
    """A stream goes on air for the first time. Sent to its owner and to friends."""

    username: str
    display_name: str
    stream: dict[str, Any]


class StreamTitle(TypedDict):
    """A stream has a new title. Sent to its owner, and to friends if it is on air."""

    username: str
    display_name: str
    stream: dict[str, Any]


class StreamMoved(TypedDict):
    """A stream moved to another room. Ask for a new ticket to go on listening. Sent to its owner and to friends."""

    username: str
    display_name: str
    stream: dict[str, Any]


class StreamListeners(TypedDict):
    """Somebody began or ended listening. Sent to the owner of the stream."""

    stream: str
    count: int


class StreamEnded(TypedDict):
    """A stream ended. Sent to its owner, and to friends if it was on air."""

    username: str
    display_name: str
    stream: dict[str, Any]
    by_admin: bool


class ChatMessage(TypedDict):
    """Somebody wrote in the chat; the message is as in the API. Sent to everybody who may read it and is online."""

    stream: str
    message: dict[str, Any]


class ChatDeleted(TypedDict):
    """A message was deleted. Sent to everybody who may read the chat and is online."""

    stream: str
    id: str


class ChatMuted(TypedDict):
    """Somebody was muted or unmuted in a chat. Sent to its owner and to that person."""

    stream: str
    username: str
    display_name: str
    muted: bool


class ChatReaction(TypedDict):
    """Somebody reacted. Sent to everybody who may read the chat and is online."""

    stream: str
    kind: str
    counts: dict[str, int]  # new totals of all kinds


class ChatReactions(TypedDict):
    """The owner switched reactions on or off. Sent to everybody who may read the chat and is online."""

    stream: str
    on: bool


class RecordingReady(TypedDict):
    """A recording can be played by more people than before. Sent to its owner and to whoever may hear it now."""

    id: str
    username: str
    title: str
    duration: float  # seconds


class RecordingRemoved(TypedDict):
    """A recording was deleted or is no longer shared. Sent to whoever could hear it."""

    id: str


class Resync(TypedDict):
    """Too much was missed, or may no longer be shown: load the lists again."""


KINDS: Mapping[str, type[Any]] = {
    "friend.online": FriendOnline,
    "friend.offline": FriendOffline,
    "friend.added": FriendAdded,
    "friend.renamed": FriendRenamed,
    "friend.removed": FriendRemoved,
    "friend_request.received": FriendRequestReceived,
    "friend_request.accepted": FriendRequestAccepted,
    "friend_request.closed": FriendRequestClosed,
    "notice.live": NoticeLive,
    "stream.live": StreamLive,
    "stream.title": StreamTitle,
    "stream.moved": StreamMoved,
    "stream.listeners": StreamListeners,
    "stream.ended": StreamEnded,
    "chat.message": ChatMessage,
    "chat.deleted": ChatDeleted,
    "chat.muted": ChatMuted,
    "chat.reaction": ChatReaction,
    "chat.reactions": ChatReactions,
    "recording.ready": RecordingReady,
    "recording.removed": RecordingRemoved,
    "resync": Resync,
}


def fields(kind: str) -> tuple[str, ...]:
    """Return the names of the fields that events of this kind carry."""
    return tuple(KINDS[kind].__annotations__)


def description(kind: str) -> str:
    """Return one line for people: what the event carries, and when it is sent to whom."""
    carried = ", ".join(fields(kind)) or "no data"
    return f"{carried}. {KINDS[kind].__doc__}"
