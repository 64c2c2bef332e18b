"""Archived chats: what was written during a stream is kept with its recording, in the file `<id>.chat.json`
(webapp.recordings.files).

Pages read it from there, so it goes wherever the recording goes, and a new database loses nothing. The reconciler moves the rows
of a stream that is over into the file. Whoever may hear the recording may read its chat; of two people of whom one has blocked
the other, neither sees what the other wrote.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from flask_babel import gettext as _
from sqlalchemy import delete as delete_rows
from sqlalchemy import select, update

from contract.fields import DocumentError
from webapp.chat import messages as chat_messages
from webapp.chat.messages import Message
from webapp.chat.schemas import KINDS, RecordedChat
from webapp.core.database import db
from webapp.core.errors import Conflict, NotFound
from webapp.events import outbox
from webapp.friends import blocks
from webapp.models import ChatMessage, ChatMute, Event, Reaction, Recording, Stream, User, base, now, rfc3339
from webapp.recordings import queries as recording_queries

log = logging.getLogger(__name__)

UNRECORDED_KEPT = timedelta(hours=1)
"""How long rows wait for a recording that may not come."""


@dataclass(frozen=True)
class ArchivedReaction:
    """A reaction without its author."""

    kind: str
    at: datetime  # in whole milliseconds, as in the file

    @classmethod
    def from_row(cls, kind: str, at: datetime) -> Self:
        return cls(kind, at.replace(microsecond=at.microsecond // 1000 * 1000))


@dataclass(frozen=True)
class ChatRecord:
    messages: tuple[Message, ...] = field(default=())
    reactions: tuple[ArchivedReaction, ...] = field(default=())

    def with_(self, messages: Iterable[Message], reactions: Iterable[ArchivedReaction]) -> ChatRecord:
        """Merge these in, ordered by time and without duplicates, which come after a crash."""
        by_id = {message.id: message for message in (*self.messages, *messages)}
        return ChatRecord(
            tuple(sorted(by_id.values(), key=lambda message: (message.at, message.id))),
            tuple(sorted({*self.reactions, *reactions}, key=lambda one: (one.at, one.kind))),
        )

    def without(self, message_id: str) -> ChatRecord:
        return ChatRecord(tuple(message for message in self.messages if message.id != message_id), self.reactions)

    def without_authors(self, people: Collection[User]) -> ChatRecord:
        return ChatRecord(
            tuple(message for message in self.messages if not any(message.is_by(person) for person in people)), self.reactions
        )

    def to_json(self) -> str:
        messages = [
            {
                "id": message.id,
                "at": rfc3339(message.at),
                "author": message.author,
                "username": message.username,
                **({} if message.author else {"name": message.name}),  # else it is looked up: people change their names
                "text": message.text,
            }
            for message in self.messages
        ]
        reactions = [{"at": rfc3339(one.at), "kind": one.kind} for one in self.reactions]
        return json.dumps({"messages": messages, "reactions": reactions}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises DocumentError."""
        try:
            data = json.loads(text)
            return cls(
                tuple(_message(one) for one in data["messages"]),
                tuple(ArchivedReaction(one["kind"], _moment(one["at"])) for one in data["reactions"] if one["kind"] in KINDS),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DocumentError("the chat of a recording cannot be read") from error


def _message(one: dict[str, Any]) -> Message:
    author = str(one.get("author", ""))
    name = str(one["username" if author else "name"])
    return Message(str(one["id"]), str(one["username"]), name, str(one["text"]), _moment(one["at"]), author)


def _moment(text: str) -> datetime:
    found = base.parse_rfc3339(text)
    if found is None:
        raise ValueError("no time")
    return found


# --- Questions


def chat_of(recording: Recording, reader: User) -> ChatRecord:
    """Return what `reader`, who may hear the recording, sees of its chat, with what is not in the file yet."""
    record = _kept(recording.id).with_(
        (Message.of(message) for message in db.session.scalars(select(ChatMessage).where(ChatMessage.stream_id == recording.id))),
        (
            ArchivedReaction.from_row(row.kind, row.at)
            for row in db.session.scalars(select(Reaction).where(Reaction.stream_id == recording.id))
        ),
    )
    if reader.id != recording.owner_id:
        apart = select(User).where(User.id.in_(blocks.apart_from(reader)))
        record = record.without_authors(list(db.session.scalars(apart)))
    return replace(record, messages=tuple(chat_messages.with_ambiguous_names(_with_names(record.messages), recording.owner)))


def _with_names(messages: Iterable[Message]) -> list[Message]:
    """Add the display names that people have now. Whoever is not known to this database is shown by the user name."""
    messages = list(messages)
    people = select(User).where(User.file_id.in_({message.author for message in messages}))
    names = {user.file_id: user.display_name for user in db.session.scalars(people)}
    return [replace(message, name=names.get(message.author, message.name)) for message in messages]


def second_of(recording: Recording, at: datetime) -> float:
    """Return the second of the recording at a moment. Everything before the first sound counts as second 0."""
    return round(max(0.0, (at - recording.started_at).total_seconds()), 1)


def as_json(recording: Recording, reader: User) -> RecordedChat:
    record = chat_of(recording, reader)
    return {
        "messages": [{**message.as_json(), "second": second_of(recording, message.at)} for message in record.messages],
        "reactions": [{"kind": one.kind, "second": second_of(recording, one.at)} for one in record.reactions],
    }


def with_chat(recordings: Iterable[Recording]) -> set[str]:
    """Return the ids of the recordings that have a chat."""
    return {recording.id for recording in recordings if recording_queries.folder().has_chat(recording.id)}


def _kept(recording_id: str) -> ChatRecord:
    """Read the file for showing it: one that cannot be read counts as empty."""
    try:
        return _read(recording_id)
    except (DocumentError, OSError):
        log.exception("the chat of a recording is not shown", extra={"recording": recording_id})
        return ChatRecord()


def _read(recording_id: str) -> ChatRecord:
    text = recording_queries.folder().chat(recording_id)
    return ChatRecord() if text is None else ChatRecord.from_json(text)


# --- Acts


def delete(person: User, stream_id: str, message_id: str) -> None:
    """Delete a message from a chat on air or archived: one's own, or any in one's own stream. Raises NotFound or Conflict."""
    if chat_messages.delete(person, stream_id, message_id):
        return
    recording = recording_queries.recording_for(person, stream_id)
    _hold(recording.id)
    record = _kept(recording.id)
    message = next((message for message in record.messages if message.id == message_id), None)
    if message is None or not (person.id == recording.owner_id or message.is_by(person)):
        raise NotFound
    try:
        recording_queries.folder().write_chat(recording.id, record.without(message_id).to_json())
    except OSError as error:
        log.exception("a message was not deleted", extra={"recording": recording.id})
        raise Conflict(_("The message was not deleted. The server's admin can see why in its log.")) from error
    outbox.take_back(Event.about == message_id)
    db.session.commit()


def messages_by(person: User) -> list[tuple[str, Message]]:
    """Return everything that somebody has written in archived chats, with the ids of the recordings."""
    return [
        (recording_id, message)
        for recording_id in recording_queries.folder().chats()
        for message in _kept(recording_id).messages
        if message.is_by(person)
    ]


def forget_author(person: User) -> None:
    """Remove everything that somebody has written from all archived chats. The caller commits. Raises Conflict."""
    for recording_id in recording_queries.folder().chats():
        kept = _kept(recording_id)
        if kept.without_authors([person]) == kept:
            continue
        _hold(recording_id)
        try:
            recording_queries.folder().write_chat(recording_id, _read(recording_id).without_authors([person]).to_json())
        except OSError as error:
            log.exception("messages were not deleted", extra={"recording": recording_id})
            message = _("Your messages could not be deleted, so your account was not. The server's admin can see why in its log.")
            raise Conflict(message) from error


def _hold(recording_id: str) -> None:
    """Lock the chat, by its recording's row, until the transaction is over."""
    row = update(Recording).where(Recording.id == recording_id).values(title_key=Recording.title_key)
    db.session.execute(row.execution_options(synchronize_session=False))


# --- Rows to files


def maintain() -> None:
    """Archive the chats of streams that are over. The reconciler calls it every second."""
    said = select(ChatMessage.stream_id).union(select(Reaction.stream_id), select(ChatMute.stream_id))
    over = select(Stream).where(Stream.id.in_(said), Stream.state == "ended")
    for stream in db.session.scalars(over).all():
        recording = db.session.get(Recording, stream.id)
        try:
            if recording is not None and recording.state != "live" and recording.deleted_at is None:
                _keep(stream.id)
            elif recording is None and stream.ended_at is not None and stream.ended_at < now() - UNRECORDED_KEPT:
                _forget(stream.id)
        except (DocumentError, OSError):  # the rows stay, and the others are kept all the same
            db.session.rollback()
            log.exception("a chat was not kept yet", extra={"recording": stream.id})


def _keep(stream_id: str) -> None:
    """Write the rows into the file, then commit their deletion: after a crash in between it is done again."""
    _hold(stream_id)
    messages, reactions = _forget_rows(stream_id)
    if messages or reactions:
        recording_queries.folder().write_chat(stream_id, _read(stream_id).with_(messages, reactions).to_json())
    db.session.commit()


def _forget(stream_id: str) -> None:
    _forget_rows(stream_id)
    db.session.commit()


def _forget_rows(stream_id: str) -> tuple[list[Message], list[ArchivedReaction]]:
    """Delete the rows of a stream's chat and return what was in them.

    Whoever deletes a message at this moment waits until the transaction is over, and then looks into the file.
    """
    people = {
        user.id: user
        for user in db.session.scalars(
            select(User).where(User.id.in_(select(ChatMessage.author_id).where(ChatMessage.stream_id == stream_id)))
        )
    }
    rows = db.session.execute(
        delete_rows(ChatMessage)
        .where(ChatMessage.stream_id == stream_id)
        .returning(ChatMessage.id, ChatMessage.author_id, ChatMessage.text, ChatMessage.at)
    ).all()
    reactions = db.session.execute(
        delete_rows(Reaction).where(Reaction.stream_id == stream_id).returning(Reaction.kind, Reaction.at)
    ).all()
    db.session.execute(delete_rows(ChatMute).where(ChatMute.stream_id == stream_id))
    messages = [
        Message(row.id, author.username, author.display_name, row.text, row.at, author.file_id)
        for row in rows
        for author in [people[row.author_id]]
    ]
    return messages, [ArchivedReaction.from_row(row.kind, row.at) for row in reactions]
