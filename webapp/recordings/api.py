"""JSON: recordings, and their sound."""

from __future__ import annotations

from math import isfinite, nan
from typing import Annotated

from flask import Blueprint
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict
from werkzeug import Response

from webapp import models
from webapp.accounts import accounts
from webapp.core.errors import NotFound
from webapp.core.long_work import takes_long
from webapp.friends import relations
from webapp.models import AUDIENCES
from webapp.openapi.operations import Media, operation
from webapp.openapi.schemas import Body, OneOf, Query, Title
from webapp.openapi.scopes import Scope
from webapp.recordings import clips, downloads, editing, listing, plays, serializers
from webapp.recordings import queries as recording_queries
from webapp.recordings.schemas import Recording
from webapp.recordings.waveform import PLAYER_BARS

blueprint = Blueprint("api_recordings", __name__)

MAX_S = 1e6  # longer than any recording

FLAC = Media("audio/flac", "The sound.")
FLAC_PIECE = Media("audio/flac", "The part that was asked for, or its beginning.")
OPUS = Media("audio/ogg", "The sound.")
PEAKS = Media("application/octet-stream", f"At most {PLAYER_BARS} bytes, each the loudest of its part.")
RANGE = {"Range": Annotated[str, Field(examples=["bytes=0-"])]}
CLIP_LENGTH = f"At most {clips.MAX_S / 60:.0f} minutes."


def _seconds(text: str) -> float | None:
    """Read a number of seconds; an empty text is none. Raises ValueError, whose message the answer tells."""
    try:
        value = float(text) if text else None
    except ValueError:
        value = nan
    if value is not None and not isfinite(value):
        raise ValueError(_("This must be a number of seconds."))
    return value


Second = Annotated[float | SkipJsonSchema[None], BeforeValidator(_seconds)]


class OneRecording(TypedDict):
    recording: Recording


class Recordings(TypedDict):
    recordings: Annotated[list[Recording], Field(max_length=listing.PAGE)]


class ListQuery(Query):
    order: Annotated[str, OneOf(*listing.ORDERS)] = "newest"
    q: Annotated[str, Field(description="Words in the title or in the owner's name.")] = ""
    before: Annotated[
        str, Field(description="The next page: id of the last recording of this one, or a timestamp when sorting by date.")
    ] = ""


class NewTitle(Body):
    title: Title


class NewAudience(Body):
    audience: Annotated[str, OneOf(*AUDIENCES)]
    usernames: Annotated[list[str], Field(description="The friends, when they are chosen.", max_length=1000)] = Field(
        default_factory=list
    )


class DownloadQuery(Query):
    download: Annotated[str, Field(description="1: as a file, with tags.", examples=["1"])] = ""


class ClipQuery(Query):
    start: Annotated[Second, Field(description="Seconds; negative counts from the end.")] = None
    end: Annotated[Second, Field(description="Seconds; without it, the end of the recording.")] = None


class NewClip(Body):
    title: Title
    start: Annotated[float, Field(description="Seconds; negative counts from the end.", ge=-MAX_S, le=MAX_S)] = 0.0
    end: Annotated[float, Field(description="Seconds; without it or negative, the end of the recording.", ge=-1, le=MAX_S)] = -1.0


class Heard(Body):
    position: Annotated[float, Field(description="Seconds.", ge=0, le=MAX_S)] = 0.0
    begins: Annotated[bool, Field(description="For the first time since it was put into the player.")] = False


@blueprint.get("/api/recordings/<username>")
@operation(scope=Scope.READ)
def recordings(username: str, query: ListQuery) -> Recordings:
    """Recordings of somebody.

    Your own, or those that a friend shares with you.
    """
    page = listing.of_person(current_user, _owner(username), listing.ListQuery(query.order, query.q, query.before))
    return {"recordings": [serializers.as_json(recording, current_user) for recording in page.recordings]}


@blueprint.get("/api/recordings/<username>/<recording_id>")
@operation(scope=Scope.READ)
def recording(username: str, recording_id: str) -> OneRecording:
    """One recording, at this moment.

    A page that plays one that still grows asks for the rest of it.
    """
    found = recording_queries.recording_for(current_user, recording_id)
    if found.owner.username != username:
        raise NotFound
    return _one(found)


def _owner(username: str) -> models.User:
    owner = accounts.find(username)
    if owner is None or owner.id != current_user.id:
        return relations.friend_for(current_user, username)
    return owner


@blueprint.patch("/api/recordings/<recording_id>")
@operation(scope=Scope.RECORDINGS, errors=(409,))
def rename(recording_id: str, body: NewTitle) -> OneRecording:
    """Rename a recording."""
    return _one(editing.rename(current_user, recording_id, body.title))


@blueprint.put("/api/recordings/<recording_id>/audience")
@operation(scope=Scope.RECORDINGS, errors=(409,))
def share(recording_id: str, body: NewAudience) -> OneRecording:
    """Say who may hear a recording."""
    return _one(editing.share(current_user, recording_id, body.audience, body.usernames))


@blueprint.delete("/api/recordings/<recording_id>")
@operation(scope=Scope.RECORDINGS, errors=(409,))
def delete(recording_id: str) -> None:
    """Delete a recording.

    For 10 s it can be restored.
    """
    editing.delete(current_user, recording_id)


@blueprint.post("/api/recordings/<recording_id>/restore")
@operation(scope=Scope.RECORDINGS)
def restore(recording_id: str) -> OneRecording:
    """Bring a deleted recording back."""
    return _one(editing.restore(current_user, recording_id))


@blueprint.post("/api/recordings/<recording_id>/clips")
@operation(scope=Scope.RECORDINGS, status=201, errors=(409, 429, 503), about=CLIP_LENGTH)
@takes_long
def keep_clip(recording_id: str, body: NewClip) -> OneRecording:
    """Keep a piece of a recording as one of its own."""
    return _one(clips.keep(current_user, recording_id, body.start, None if body.end < 0 else body.end, body.title))


@blueprint.post("/api/recordings/<recording_id>/heard")
@operation(scope=Scope.READ)
def heard(recording_id: str, body: Heard) -> None:
    """Say how far you have listened.

    Its owner sees how often and how far.
    """
    plays.record(current_user, recording_id, body.position, begins=body.begins)


@blueprint.get("/recordings/<recording_id>/audio")
@operation(scope=Scope.READ, headers=RANGE, answers={200: FLAC, 206: FLAC_PIECE, 304: None}, errors=(416, 429, 503))
def audio(recording_id: str, query: DownloadQuery) -> Response:
    """The sound of a recording.

    While it is still recorded: what is complete at this moment, a valid file that the next request finds longer.
    """
    recording = recording_queries.recording_for(current_user, recording_id)
    return downloads.flac(recording, current_user.id, as_file=bool(query.download))


@blueprint.get("/recordings/<recording_id>/clip.flac")
@operation(scope=Scope.READ, answers={200: FLAC}, errors=(409, 429, 503), about=CLIP_LENGTH)
@takes_long
def clip(recording_id: str, query: ClipQuery) -> Response:
    """A piece of a recording as a file."""
    recording = recording_queries.recording_for(current_user, recording_id)
    return downloads.clip(recording, current_user.id, query.start or 0.0, query.end)


@blueprint.get("/recordings/<recording_id>/audio.opus")
@operation(scope=Scope.READ, headers=RANGE, answers={200: OPUS, 206: OPUS, 304: None}, errors=(409, 416, 429, 503))
@takes_long
def opus_audio(recording_id: str, query: DownloadQuery) -> Response:
    """The same as Ogg Opus, a tenth of the size.

    The first time it is made, which takes a while; not while it is still recorded.
    """
    recording = recording_queries.recording_for(current_user, recording_id)
    return downloads.opus(recording, current_user.id, as_file=bool(query.download))


@blueprint.get("/recordings/<recording_id>/peaks")
@operation(scope=Scope.READ, answers={200: PEAKS, 304: None})
def peaks(recording_id: str) -> Response:
    """How loud a recording is.

    A byte for each bar of its drawing.
    """
    return downloads.peaks(recording_queries.recording_for(current_user, recording_id))


def _one(recording: models.Recording) -> OneRecording:
    return {"recording": serializers.as_json(recording, current_user)}
