"""Decides who may hear a recording beside its owner: all friends, friends whom the owner has chosen, or nobody.

It always takes a friendship as well: a chosen friend who is a friend no longer hears nothing. The choice is written to a small
file beside the recording (webapp.recordings.files), so that a database that is made again does not open what was closed. The note
names people by User.file_id, which nobody else ever gets; the user names in it are there for people who look into the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, or_, select

from contract.fields import DocumentError
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.friends import relations
from webapp.models import AUDIENCES, Recording, RecordingShare, User

FRIENDS, CHOSEN, NOBODY = AUDIENCES


@dataclass(frozen=True, order=True)
class Chosen:
    """A friend who may hear a recording."""

    username: str
    file_id: str  # "" in notes of older versions, which knew names only

    @classmethod
    def of(cls, user: User) -> Chosen:
        return cls(user.username, user.file_id)


@dataclass(frozen=True)
class Audience:
    kind: str  # AUDIENCES
    chosen: tuple[Chosen, ...] = ()  # by user name

    @property
    def usernames(self) -> list[str]:
        return [person.username for person in self.chosen]

    def without(self, user: User) -> Audience:
        return Audience(self.kind, tuple(one for one in self.chosen if one not in (Chosen.of(user), Chosen(user.username, ""))))

    def to_json(self) -> str:
        chosen = [{"id": person.file_id, "name": person.username} for person in self.chosen]
        return json.dumps({"audience": self.kind, "with": chosen}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the note beside a recording. Raises DocumentError."""
        try:
            data = json.loads(text)
            kind, people = data["audience"], data["with"]
            chosen = [
                Chosen(person, "") if isinstance(person, str) else Chosen(str(person["name"]), str(person["id"]))
                for person in people
            ]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DocumentError("the note of who may hear a recording cannot be read") from error
        if kind not in AUDIENCES or not isinstance(people, list):
            raise DocumentError("the note of who may hear a recording makes no sense")
        return cls(kind, tuple(chosen))


def wanted(owner: User, kind: str, usernames: list[str]) -> Audience:
    """Return what the owner asks for. Raises Invalid, alike for names of strangers and of nobody."""
    if kind not in AUDIENCES:
        raise Invalid.choice("audience", AUDIENCES)
    if kind != CHOSEN:
        return Audience(kind)
    chosen = []
    for name in usernames:
        friend = accounts.find(name)
        if friend is None or not relations.are_friends(owner, friend):
            raise Invalid.field("usernames", _("Choose only friends. One of these people is no longer your friend."))
        chosen.append(Chosen.of(friend))
    return Audience(kind, tuple(sorted(set(chosen))))


# --- Questions


def may_hear(viewer: User, recording: Recording) -> bool:
    if viewer.id == recording.owner_id:
        return True
    return relations.are_friends(viewer, recording.owner) and _is_open_to(viewer.id, recording)


def audible_to(viewer: User) -> ColumnElement[bool]:
    """Return the same rule as a condition on Recording, for lists of friends' recordings. The caller checks the friendship."""
    chosen = select(RecordingShare).where(RecordingShare.recording_id == Recording.id, RecordingShare.user_id == viewer.id)
    return or_(
        Recording.owner_id == viewer.id,
        Recording.audience == FRIENDS,
        and_(Recording.audience == CHOSEN, chosen.exists()),
    )


def hearers(recording: Recording) -> set[int]:
    """Return the ids of the friends who may hear it."""
    return {friend for friend in relations.friend_ids(recording.owner_id) if _is_open_to(friend, recording)}


def audience_of(recording: Recording) -> Audience:
    if recording.audience != CHOSEN:
        return Audience(recording.audience)
    chosen = select(User).join(RecordingShare).where(RecordingShare.recording_id == recording.id)
    return Audience(recording.audience, tuple(sorted(Chosen.of(user) for user in db.session.scalars(chosen))))


def _is_open_to(friend_id: int, recording: Recording) -> bool:
    if recording.audience == CHOSEN:
        return db.session.get(RecordingShare, (recording.id, friend_id)) is not None
    return recording.audience == FRIENDS


# --- The row


def set_audience(recording: Recording, audience: Audience, written_at: datetime) -> None:
    """Write the audience into the row. The caller commits. People who are not here any more are left out.

    A name without an id, of an older version, counts for nobody who registered after the note was written at `written_at`.
    """
    if audience_of(recording) == audience:
        return
    recording.audience = audience.kind
    db.session.execute(delete(RecordingShare).where(RecordingShare.recording_id == recording.id))
    is_named = and_(
        User.username.in_([one.username for one in audience.chosen if not one.file_id]), User.created_at <= written_at
    )
    chosen = select(User.id).where(or_(User.file_id.in_([one.file_id for one in audience.chosen]), is_named))
    db.session.add_all(RecordingShare(recording_id=recording.id, user_id=user_id) for user_id in db.session.scalars(chosen))
