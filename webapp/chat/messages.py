"""The chat of a stream on air, for its owner and for friends: the people who may listen. A sound check has no chat.

Of two people of whom one has blocked the other, neither sees what the other writes; the owner sees everything. Everybody can
delete their own messages. The owner can delete any message, and mute people for this one stream. When the stream is over,
webapp.chat.archive keeps what was written. Events about the chat are for open pages only (webapp.events.kinds).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from contract.recording_files import RECORDING_ID
from webapp.accounts import accounts
from webapp.chat import schemas
from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.lookalikes import Name, ambiguous
from webapp.core.text import clean_lines, is_encodable, is_visible
from webapp.events import outbox
from webapp.friends import blocks, relations
from webapp.models import ChatMessage, ChatMute, Event, Stream, User, rfc3339
from webapp.presence import presence
from webapp.security import rate_limits

MAX_LENGTH = 500  # characters of a message
MAX_LINES = 12  # of a message
MAX_MESSAGES = 5000  # messages of one stream
NEWEST_FIRST = ChatMessage.at.desc(), ChatMessage.id.desc()


@dataclass(frozen=True)
class Message:
    """A message, from the database or from an archived chat.

    `ambiguous`: the name looks like that of somebody else in the company, so the user name belongs beside it.
    """

    id: str
    username: str
    name: str
    text: str
    at: datetime
    author: str = ""  # User.file_id; "" in archives of older versions, which knew names only
    ambiguous: bool = False

    @classmethod
    def of(cls, message: ChatMessage) -> Message:
        author = message.author
        return cls(message.id, author.username, author.display_name, message.text, message.at, author.file_id)

    def is_by(self, person: User) -> bool:
        if self.author:
            return self.author == person.file_id
        return self.username == person.username and person.created_at <= self.at

    def as_json(self) -> schemas.Message:
        return {
            "id": self.id,
            "username": self.username,
            "display_name": self.name,
            "text": self.text,
            "at": rfc3339(self.at),
            "ambiguous": self.ambiguous,
        }


# --- Questions


def stream_for(person: User, stream_id: str) -> Stream:
    """Return a stream on air of the person or a friend. Raises the same NotFound for all others."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or not stream.is_on_air or not _is_among_friends(person, stream):
        raise NotFound(_("This chat has ended, or you may not read it."))
    return stream


def own_stream(owner: User, stream_id: str) -> Stream:
    """Return the owner's stream on air. Raises NotFound, for a friend's stream as well."""
    stream = stream_for(owner, stream_id)
    if stream.owner_id != owner.id:
        raise NotFound
    return stream


def newest(stream: Stream, reader: User, count: int, before: str = "") -> list[Message]:
    """Return the messages that `reader` sees, newest first. `before`: cursor, the id of the last message of the previous page."""
    query = select(ChatMessage).where(ChatMessage.stream_id == stream.id).options(joinedload(ChatMessage.author))
    if reader.id != stream.owner_id:
        query = query.where(ChatMessage.author_id.not_in(blocks.apart_from(reader)))
    known = db.session.get(ChatMessage, before) if RECORDING_ID.fullmatch(before) else None
    if known is not None and known.stream_id == stream.id:
        query = query.where(tuple_(ChatMessage.at, ChatMessage.id) < (known.at, known.id))
    found = db.session.scalars(query.order_by(*NEWEST_FIRST).limit(count))
    return with_ambiguous_names(map(Message.of, found), stream.owner)


def with_ambiguous_names(messages: Iterable[Message], owner: User) -> list[Message]:
    """Mark those among messages in the owner's company whose author's name looks like that of somebody else there."""
    found = list(messages)
    company = [Name(owner.username, owner.display_name), *relations.names_of_friends(owner)]
    unclear = ambiguous([*company, *(Name(message.username, message.name) for message in found)])
    return [replace(message, ambiguous=Name(message.username, message.name) in unclear) for message in found]


def muted_in(stream: Stream) -> list[User]:
    """Return who is muted, ordered by user name."""
    query = select(User).join(ChatMute, ChatMute.user_id == User.id).where(ChatMute.stream_id == stream.id)
    return list(db.session.scalars(query.order_by(User.username_key)))


def readers(stream: Stream, author: User | None = None) -> set[int]:
    """Return the ids of the people to whom events are sent: those who are online. Pages opened later load what they missed.

    `author`: whose message it is about.
    """
    apart = set() if author is None else set(db.session.scalars(blocks.apart_from(author)))
    return presence.online({stream.owner_id, *relations.friend_ids(stream.owner_id)} - apart | {stream.owner_id})


# --- Acts


def say(author: User, stream_id: str, text: str) -> Message:
    """Write a message. Raises NotFound, Forbidden if the author is muted, Invalid, TooMany, and Conflict if the chat is full."""
    stream = stream_for(author, stream_id)
    check_not_muted(author, stream)
    text = _checked(text)
    rate_limits.count("message", author.id)
    if (db.session.scalar(select(func.count()).where(ChatMessage.stream_id == stream.id)) or 0) >= MAX_MESSAGES:
        raise Conflict(_("This chat is full: it has %(count)d messages. The stream goes on.", count=MAX_MESSAGES))
    message = ChatMessage(stream_id=stream.id, author=author, text=text)
    db.session.add(message)
    db.session.flush()
    (written,) = with_ambiguous_names([Message.of(message)], stream.owner)
    news = {"stream": stream.id, "message": written.as_json()}
    outbox.publish(readers(stream, author), "chat.message", news, author=author, about=message.id)
    db.session.commit()
    return written


def delete(person: User, stream_id: str, message_id: str) -> bool:
    """Delete one's own message, or any in one's own chat. Raises NotFound for messages of others.

    Returns False if the message is not here; it may be in an archived chat.
    """
    message = db.session.get(ChatMessage, message_id)
    if message is None or message.stream_id != stream_id or not _is_among_friends(person, message.stream):
        return False
    if person.id not in (message.author_id, message.stream.owner_id):
        raise NotFound
    stream, author = message.stream, message.author
    row = delete_rows(ChatMessage).where(ChatMessage.id == message_id)
    gone = affected_rows(row)
    outbox.take_back(Event.about == message_id)
    outbox.publish(readers(stream, author), "chat.deleted", {"stream": stream_id, "id": message_id})
    db.session.commit()
    return gone == 1


def mute(owner: User, stream_id: str, username: str) -> None:
    """Mute somebody for this stream. Raises NotFound, also for somebody who cannot read the chat and has not written in it."""
    stream = own_stream(owner, stream_id)
    user = accounts.find(username)
    if user is None or user.id == owner.id or not (relations.are_friends(owner, user) or _has_written(user, stream)):
        raise NotFound
    try:
        db.session.add(ChatMute(stream_id=stream.id, user_id=user.id))
        db.session.flush()
    except IntegrityError:
        db.session.rollback()  # already muted
        return
    _publish_muted(stream, user, muted=True)


def unmute(owner: User, stream_id: str, username: str) -> None:
    """Let somebody write again. Raises NotFound."""
    stream = own_stream(owner, stream_id)
    user = accounts.find(username)
    mute = db.session.get(ChatMute, (stream.id, user.id)) if user is not None else None
    if user is None or mute is None:
        raise NotFound
    db.session.delete(mute)
    _publish_muted(stream, user, muted=False)


def check_not_muted(person: User, stream: Stream) -> None:
    """Raise Forbidden if the person is muted in this chat."""
    if db.session.get(ChatMute, (stream.id, person.id)) is not None:
        message = _("%(name)s has muted you in this chat. You can still listen and read.", name=stream.owner.display_name)
        raise Forbidden(message, code="muted")


def _checked(text: str) -> str:
    if not is_encodable(text):
        raise Invalid.field("text", _("This contains invalid characters."))
    if len(text) > MAX_LENGTH:
        raise Invalid.field("text", _("At most %(most)d characters; this has %(count)d.", most=MAX_LENGTH, count=len(text)))
    text = clean_lines(text)
    if not is_visible(text):
        raise Invalid.field("text", _("Write something first."))
    if text.count("\n") >= MAX_LINES:
        raise Invalid.field("text", _("At most %(most)d lines.", most=MAX_LINES))
    return text


def _is_among_friends(person: User, stream: Stream) -> bool:
    return person.id == stream.owner_id or relations.are_friends(person, stream.owner)


def _has_written(user: User, stream: Stream) -> bool:
    theirs = select(ChatMessage.id).where(ChatMessage.stream_id == stream.id, ChatMessage.author_id == user.id)
    return db.session.scalar(theirs.limit(1)) is not None


def _publish_muted(stream: Stream, user: User, *, muted: bool) -> None:
    data = {"stream": stream.id, "username": user.username, "display_name": user.display_name, "muted": muted}
    outbox.publish([stream.owner_id, user.id], "chat.muted", data, author=user)
    db.session.commit()
