"""Exports what is kept of one person, as a ZIP. It is made while it is sent: a piece at a time in memory, and nothing on disk."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Generator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.chat import archive as chat_archive
from webapp.core.database import db
from webapp.friends import relations
from webapp.models import Recording, User, rfc3339
from webapp.privacy import personal_data
from webapp.profiles import avatars
from webapp.recordings import queries as recording_queries
from webapp.recordings import serializers
from webapp.recordings.files import RecordingFiles

CHUNK_BYTES = 256 * 1024
Sounds = dict[str, tuple[str, dict[str, str]]]  # ids and tags of recordings, by the names of their files
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # where no time says more; the earliest that ZIP knows
LAST_ZIP_DATE = (2107, 12, 31, 23, 59, 58)


def archive(user: User, *, with_sound: bool) -> Generator[bytes, None, None]:
    """Return the ZIP, piece by piece.

    Everything in the database is read at once, the sound of a recording when its turn comes.
    """
    recordings = list(
        db.session.scalars(
            select(Recording).where(Recording.owner_id == user.id, Recording.deleted_at.is_(None)).order_by(Recording.started_at)
        )
    )
    documents = {
        **personal_data.documents(user),
        "friends": _friends(user),
        "recordings": [
            {**serializers.as_json(each, user), "file": _file_name(each) if with_sound else None} for each in recordings
        ],
        "chat-messages-in-recordings": _archived_messages(user),
    }
    members = {f"{name}.json": json.dumps(data, indent=1, ensure_ascii=False).encode() for name, data in documents.items()}
    if user.avatar and (picture := avatars.folder().read(user.avatar)):
        members["avatar.webp"] = picture
    sounds = {_file_name(each): (each.id, _tags(each)) for each in recordings} if with_sound else {}
    return _zipped(members, sounds, recording_queries.folder())


def _zipped(members: dict[str, bytes], sounds: Sounds, folder: RecordingFiles) -> Generator[bytes, None, None]:
    target = _Target()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), content, zipfile.ZIP_DEFLATED)
        yield target.taken()
        for name, (recording_id, tags) in sounds.items():
            sound = folder.sound(recording_id)
            if sound is None:  # deleted meanwhile
                continue
            sound.tag(tags)
            modified = datetime.fromtimestamp(sound.modified_at).timetuple()[:6]  # of a clock that was wrong, perhaps
            info = zipfile.ZipInfo(name, min(max(modified, ZIP_DATE), LAST_ZIP_DATE))
            with sound, archive.open(info, "w", force_zip64=True) as member:  # FLAC gets no smaller: stored as it is
                while chunk := sound.read(CHUNK_BYTES):
                    member.write(chunk)
                    yield target.taken()
    yield target.taken()


class _Target(io.RawIOBase):
    """Holds what zipfile writes until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


# --- What there is


def _friends(user: User) -> list[dict[str, Any]]:
    return [
        {"username": friend.username, "display_name": friend.display_name, "since": rfc3339(relations.since(user, friend))}
        for friend in relations.friends_of(user)
    ]


def _archived_messages(user: User) -> list[dict[str, Any]]:
    """Return what the person wrote in chats that are kept with recordings, their own or others'."""
    return [
        {"recording_id": recording_id, "id": message.id, "text": message.text, "at": rfc3339(message.at)}
        for recording_id, message in chat_archive.messages_by(user)
    ]


def _file_name(recording: Recording) -> str:
    return f"recordings/{recording.started_at:%Y-%m-%d %H.%M} {recording.id[:8]}.flac"


def _tags(recording: Recording) -> dict[str, str]:
    owner = recording.owner.display_name
    return {"TITLE": recording.title, "ARTIST": owner, "DATE": f"{recording.started_at:%Y-%m-%d}"}
