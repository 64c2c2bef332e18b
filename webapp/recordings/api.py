"""JSON: recordings, and their sound."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import IO
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.datastructures import Range
from werkzeug.wsgi import FileWrapper

from contract.recording import MANIFEST_STATES, RECORDING_AUDIO_AT
from webapp.accounts import accounts
from webapp.core.errors import Invalid, NotFound
from webapp.core.text import clock
from webapp.friends import relations
from webapp.models import AUDIENCES, Recording, User
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Media, Operation
from webapp.openapi.scopes import Scope
from webapp.recordings import clips, editing, listing, opus, plays, serializers
from webapp.recordings import queries as recording_queries
from webapp.recordings.flac_tags import with_tags
from webapp.recordings.listing import Wish
from webapp.recordings.sound import Sound
from webapp.recordings.waveform import PLAYER_BARS

blueprint = Blueprint("api_recordings", __name__)

CHUNK_BYTES = 64 * 1024
MOST_S = 1e6  # longer than any recording
PIECE_BYTES = 1024 * 1024
"""A player asks for everything and then reads as slowly as it plays, for hours; it gets half a minute and asks again, so that it
holds no thread of the server. Browsers know that a server may send less (RFC 9110, 15.3.7)."""

SPAN = schemas.record({"start": schemas.SECONDS, "length": schemas.SECONDS, "cause": schemas.text()}, title="Span")
RECORDING = schemas.record(
    {
        "id": schemas.ID,
        "title": schemas.text(),
        "owner": schemas.USERNAME,
        "started_at": schemas.TIME,
        "duration": schemas.SECONDS,
        "size": schemas.whole("Bytes.", least=0),
        "state": schemas.one_of(*MANIFEST_STATES),
        "gaps": schemas.list_of(SPAN, "Filled with silence."),
        "paused": schemas.list_of(SPAN, "Without noise removal."),
        "clip_of": schemas.or_null(schemas.ID),
        "audio_url": schemas.text("Path of the FLAC.", example="/recordings/0f1e2d3c4b5a69788796a5b4c3d2e1f0/audio"),
    },
    {
        "audience": schemas.one_of(*AUDIENCES, about="Who may hear it beside its owner, who alone sees this."),
        "usernames": schemas.list_of(schemas.USERNAME, "The chosen friends; for the owner."),
    },
    title="Recording",
)
ONE = schemas.record({"recording": RECORDING})
TITLE = schemas.text(least=1, most=editing.TITLE_LENGTH)
FLAC = Media("audio/flac", "The sound.")
OPUS = Media("audio/ogg", "The sound.")
CLIP_LENGTH = f"At most {clips.MOST_S / 60:.0f} minutes."
DOWNLOAD = {"download": schemas.text("1: as a file, with tags.", example="1")}


@blueprint.get("/api/recordings/<username>")
@login_required
@Operation(
    "Recordings of somebody",
    scope=Scope.READ,
    query={
        "order": schemas.one_of(*listing.ORDERS),
        "q": schemas.text("Words in the title or in the owner's name."),
        "before": schemas.text("The next page: id of the last recording of this one, or in an order of time its beginning."),
    },
    answers={200: schemas.record({"recordings": schemas.list_of(RECORDING, most=listing.PAGE)})},
    about="Your own, or those that a friend shares with you.",
)
def recordings(username: str) -> ResponseReturnValue:
    """The next page: `?before=` with the id of the last one here; `?order=` and `?q=` as on the page."""
    wish = Wish(request.args.get("order", "newest"), request.args.get("q", ""), request.args.get("before", ""))
    page = listing.of_person(current_user, _owner(username), wish)
    return {"recordings": [serializers.as_json(recording, current_user) for recording in page.recordings]}


@blueprint.get("/api/recordings/<username>/<recording_id>")
@login_required
@Operation("One recording, at this moment", scope=Scope.READ, answers={200: ONE})
def recording(username: str, recording_id: str) -> ResponseReturnValue:
    """One, at this moment: a page that plays one that still grows asks for the rest of it."""
    found = recording_queries.recording_for(current_user, recording_id)
    if found.owner.username != username:
        raise NotFound
    return _answer(found)


def _owner(username: str) -> User:
    owner = accounts.find(username)
    if owner is None or owner.id != current_user.id:
        return relations.friend_for(current_user, username)
    return owner


@blueprint.patch("/api/recordings/<recording_id>")
@login_required
@Operation("Rename a recording", scope=Scope.RECORDINGS, body=schemas.body({"title": TITLE}), answers={200: ONE}, errors=(409,))
def rename(recording_id: str) -> ResponseReturnValue:
    title = JsonBody.of_request().secret("title")  # exactly as sent; the library cleans and checks it
    return _answer(editing.rename(current_user, recording_id, title))


@blueprint.put("/api/recordings/<recording_id>/audience")
@login_required
@Operation(
    "Say who may hear a recording",
    scope=Scope.RECORDINGS,
    body=schemas.body(
        {"audience": schemas.one_of(*AUDIENCES)},
        {"usernames": schemas.list_of(schemas.text(), "The friends, when they are chosen.", most=1000)},
    ),
    answers={200: ONE},
    errors=(409,),
)
def share(recording_id: str) -> ResponseReturnValue:
    """`{audience, usernames?}`: who may hear it."""
    body = JsonBody.of_request()
    return _answer(editing.share(current_user, recording_id, body.secret("audience"), body.texts("usernames")))


def _answer(recording: Recording) -> ResponseReturnValue:
    return {"recording": serializers.as_json(recording, current_user)}


@blueprint.delete("/api/recordings/<recording_id>")
@login_required
@Operation("Delete a recording", scope=Scope.RECORDINGS, answers={204: None}, errors=(409,), about="For 10 s it can be restored.")
def delete(recording_id: str) -> ResponseReturnValue:
    editing.delete(current_user, recording_id)
    return "", 204


@blueprint.post("/api/recordings/<recording_id>/restore")
@login_required
@Operation("Bring a deleted recording back", scope=Scope.RECORDINGS, answers={200: ONE})
def restore(recording_id: str) -> ResponseReturnValue:
    return _answer(editing.restore(current_user, recording_id))


@blueprint.get("/recordings/<recording_id>/audio")
@login_required
@Operation(
    "The sound of a recording",
    scope=Scope.READ,
    query=DOWNLOAD,
    headers={"Range": schemas.text(example="bytes=0-")},
    answers={200: FLAC, 206: Media("audio/flac", "The part that was asked for, or its beginning."), 304: None},
    errors=(416,),
)
def audio(recording_id: str) -> ResponseReturnValue:
    """The FLAC. While it is still recorded: what is complete at this moment, a valid file that the next request finds longer."""
    recording = recording_queries.recording_for(current_user, recording_id)
    sound = recording_queries.sound_of(recording)
    try:
        return _response(recording, sound)
    except BaseException:  # a Range past the end, say
        sound.close()
        raise


@blueprint.get("/recordings/<recording_id>/clip.flac")
@login_required
@Operation(
    "A piece of a recording as a file",
    scope=Scope.READ,
    query={
        "start": schemas.number("Seconds; negative counts from the end."),
        "end": schemas.number("Seconds; without it, the end of the recording."),
    },
    answers={200: FLAC},
    errors=(409,),
    about=CLIP_LENGTH,
)
def clip(recording_id: str) -> ResponseReturnValue:
    """A piece as a file: `?start=` and `?end=` in seconds; a negative start counts from the end, no end is the end."""
    recording = recording_queries.recording_for(current_user, recording_id)
    start, end = _seconds("start", 0.0), _seconds("end", None)
    with recording_queries.sound_of(recording) as sound:
        piece = clips.piece_of(sound, start or 0.0, end)
        file = clips.cut(sound, piece)
    at = recording.started_at + timedelta(seconds=piece.start_s)
    response = Response(_tagged(file, _tags(recording, at)), mimetype="audio/flac")
    response.content_length = file.seek(0, os.SEEK_END)
    response.call_on_close(file.close)
    response.headers["Cache-Control"] = "private, no-store"
    part = f"{recording.title} {clock(piece.start_s)} to {clock(piece.start_s + piece.duration_s)}"
    response.headers.set("Content-Disposition", "attachment", **_file_name(recording, part))
    return response


def _tagged(file: IO[bytes], tags: Mapping[str, str]) -> Iterator[bytes]:
    file.seek(0)
    yield with_tags(file.read(RECORDING_AUDIO_AT), tags)
    while part := file.read(CHUNK_BYTES):
        yield part


def _seconds(name: str, default: float | None) -> float | None:
    text = request.args.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if value is not None and not isfinite(value):
        raise Invalid.field(name, _("This must be a number of seconds."))
    return value


@blueprint.post("/api/recordings/<recording_id>/clips")
@login_required
@Operation(
    "Keep a piece of a recording as one of its own",
    scope=Scope.RECORDINGS,
    body=schemas.body(
        {"title": TITLE},
        {
            "start": schemas.number("Seconds; negative counts from the end.", least=-MOST_S, most=MOST_S),
            "end": schemas.number("Seconds; without it or negative, the end of the recording.", least=-1, most=MOST_S),
        },
    ),
    answers={201: ONE},
    errors=(409,),
    about=CLIP_LENGTH,
)
def keep_clip(recording_id: str) -> ResponseReturnValue:
    """`{title, start, end?}`: the piece as a recording of its own."""
    body = JsonBody.of_request()
    start = body.number("start", default=0.0, least=-MOST_S, most=MOST_S)
    end = body.number("end", default=-1.0, least=-1.0, most=MOST_S)
    made = clips.keep(current_user, recording_id, start, None if end < 0 else end, body.secret("title"))
    return {"recording": serializers.as_json(made, current_user)}, 201


@blueprint.post("/api/recordings/<recording_id>/heard")
@login_required
@Operation(
    "Say how far you have listened",
    scope=Scope.READ,
    body=schemas.body(
        {},
        {
            "position": schemas.number("Seconds.", least=0, most=MOST_S),
            "begins": schemas.flag("For the first time since it was put into the player."),
        },
    ),
    answers={204: None},
    about="Its owner sees how often and how far.",
)
def heard(recording_id: str) -> ResponseReturnValue:
    """`{position, begins}`: how far somebody has come, for the owner."""
    body = JsonBody.of_request()
    position = body.number("position", default=0.0, least=0.0, most=MOST_S)
    plays.note(current_user, recording_id, position, begins=body.flag("begins"))
    return "", 204


@blueprint.get("/recordings/<recording_id>/audio.opus")
@login_required
@Operation(
    "The same as Ogg Opus, a tenth of the size",
    scope=Scope.READ,
    query=DOWNLOAD,
    headers={"Range": schemas.text(example="bytes=0-")},
    answers={200: OPUS, 206: OPUS, 304: None},
    errors=(409, 416, 503),
    about="The first time it is sent while it is made, without a length and without ranges; not while it is still recorded.",
)
def opus_audio(recording_id: str) -> ResponseReturnValue:
    """The same as Ogg Opus. The first time it is sent while it is made, without a length and without ranges."""
    recording = recording_queries.recording_for(current_user, recording_id)
    kept = recording_queries.folder().opus(recording.id)
    pieces = opus.make(recording, _tags(recording, recording.started_at)) if kept is None else FileWrapper(kept, CHUNK_BYTES)
    response = Response(pieces, mimetype="audio/ogg", direct_passthrough=kept is not None)
    response.headers["Cache-Control"] = "private, no-cache"
    if request.args.get("download"):
        response.headers.set("Content-Disposition", "attachment", **_file_name(recording, recording.title, "opus"))
    if kept is None:
        return response
    response.content_length = size = kept.seek(0, os.SEEK_END)
    kept.seek(0)
    return response.make_conditional(request, accept_ranges=True, complete_length=size)


@blueprint.get("/recordings/<recording_id>/peaks")
@login_required
@Operation(
    "How loud a recording is",
    scope=Scope.READ,
    answers={200: Media("application/octet-stream", f"At most {PLAYER_BARS} bytes, each the loudest of its part."), 304: None},
)
def peaks(recording_id: str) -> ResponseReturnValue:
    """A byte for each bar of its drawing."""
    recording = recording_queries.recording_for(current_user, recording_id)
    response = Response(recording_queries.peaks_of(recording), mimetype="application/octet-stream")
    _let_cache(response, recording, hashlib.sha256(response.get_data()).hexdigest()[:16])
    return response.make_conditional(request)


def _let_cache(response: Response, recording: Recording, version: str) -> None:
    """Only what is finished, and to be asked for again each time: a friend may be one no longer."""
    if recording.state == "live":
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(version)


def _response(recording: Recording, sound: Sound) -> Response:
    response = Response(FileWrapper(sound, CHUNK_BYTES), mimetype="audio/flac", direct_passthrough=True)  # type: ignore[arg-type]
    response.content_length = sound.size
    _let_cache(response, recording, sound.version)
    environ = dict(request.environ)
    if request.args.get("download"):
        sound.tag(_tags(recording, recording.started_at))
        response.headers.pop("ETag", None)  # of the same sound with other tags
        response.headers.set("Content-Disposition", "attachment", **_file_name(recording, recording.title))
    elif piece := _piece(request.range):
        environ["HTTP_RANGE"] = piece
    return response.make_conditional(environ, accept_ranges=True, complete_length=sound.size)  # type: ignore[return-value]


def _piece(asked: Range | None) -> str | None:
    """The Range header for the beginning of what was asked for; None when it is to be answered as it is."""
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or asked.ranges[0][0] < 0:
        return None
    start, end = asked.ranges[0]
    return f"bytes={start}-{min(end or start + PIECE_BYTES, start + PIECE_BYTES) - 1}"


def _tags(recording: Recording, at: datetime) -> dict[str, str]:
    """`at`: when the first of these samples was said."""
    return {
        "TITLE": recording.title,
        "ARTIST": recording.owner.display_name,
        "DATE": f"{at:%Y-%m-%d}",
        "COMMENT": f"On air {at:%Y-%m-%d %H:%M} UTC, recorded by Stillair with the noise removed",
    }


def _file_name(recording: Recording, title: str, ending: str = "flac") -> dict[str, str]:
    """RFC 6266: the name in UTF-8, and one in ASCII for clients that do not know of it."""
    title = "".join(" " if letter in '/\\:*?"<>|%' else letter for letter in title)
    name = " ".join(f"{recording.started_at:%Y-%m-%d} {title} - {recording.owner.username}.{ending}".split())
    plain = " ".join(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().split())
    if plain == name:
        return {"filename": name}
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"}
