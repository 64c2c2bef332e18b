"""Messages and reactions as the JSON API shows them."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from webapp.openapi.schemas import DisplayName, Id, OneOf, Time, Username

KINDS = ("heart", "laugh", "thumbs-up", "party-popper")
"""The reactions there are; also the names of their drawings."""

SHOWN = 50  # messages beside a stream; the page of the chat has the earlier ones

Kind = Annotated[str, OneOf(*KINDS)]
Counts = Annotated[
    dict[str, int],
    WithJsonSchema(
        {
            "type": "object",
            "required": list(KINDS),
            "properties": {kind: {"type": "integer", "minimum": 0} for kind in KINDS},
        }
    ),
]
Second = Annotated[float, Field(description="Of the recording.")]


class Message(TypedDict):
    id: Id
    username: Username
    display_name: DisplayName
    text: str
    at: Time
    ambiguous: Annotated[bool, Field(description="The name looks like that of somebody else here: show the user name, too.")]


class Reactions(TypedDict):
    on: bool
    counts: Counts


class Chat(TypedDict):
    stream: Id
    messages: Annotated[list[Message], Field(description="Oldest first.", max_length=SHOWN)]
    more: Annotated[bool, Field(description="There are earlier ones.")]
    muted: Annotated[bool, Field(description="You may not write.")]
    reactions: Reactions
    muted_people: NotRequired[Annotated[list[Username], Field(description="For the owner.")]]


class RecordedMessage(Message):
    second: Second


class RecordedReaction(TypedDict):
    kind: Kind
    second: Second


class RecordedChat(TypedDict):
    messages: list[RecordedMessage]
    reactions: list[RecordedReaction]
