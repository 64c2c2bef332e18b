"""The chat of a stream on air as one person sees it: messages, reactions, and who is muted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.chat import messages, reactions
from webapp.chat.messages import Message
from webapp.chat.schemas import SHOWN, Chat
from webapp.models import Stream, User


@dataclass(frozen=True)
class Room:
    stream: Stream
    is_owner: bool
    messages: Sequence[Message]  # the newest ones, oldest first
    more: bool  # there are earlier ones
    muted: bool  # may not write
    muted_people: Sequence[User]  # only for the owner
    reactions: dict[str, int]

    def as_json(self) -> Chat:
        shown: Chat = {
            "stream": self.stream.id,
            "messages": [message.as_json() for message in self.messages],
            "more": self.more,
            "muted": self.muted,
            "reactions": {"on": self.stream.reactions_on, "counts": self.reactions},
        }
        if self.is_owner:
            shown["muted_people"] = [user.username for user in self.muted_people]
        return shown


def beside(person: User, stream: Stream | None) -> Room | None:
    """Return the chat for the page of a stream, or None unless the stream is on air."""
    return room_for(person, stream) if stream is not None and stream.is_on_air else None


def room_for(person: User, stream: Stream, *, before: str = "", count: int = SHOWN) -> Room:
    """Return the newest messages. The caller has checked that the person may read them. `before`: id of a message."""
    found = messages.newest(stream, person, count + 1, before)
    muted_people, is_owner = messages.muted_in(stream), person.id == stream.owner_id
    return Room(
        stream=stream,
        is_owner=is_owner,
        messages=found[:count][::-1],
        more=len(found) > count,
        muted=person.id in {user.id for user in muted_people},
        muted_people=muted_people if is_owner else (),
        reactions=reactions.counts(stream.id),
    )
