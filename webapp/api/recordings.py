"""JSON: recordings, and their sound."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.datastructures import Range
from werkzeug.wsgi import FileWrapper

from webapp import accounts, catalogue, friendships, library
from webapp.catalogue import Wish
from webapp.json_body import JsonBody
from webapp.models import Recording, User
from webapp.storage import Sound

blueprint = Blueprint("api_recordings", __name__)

CHUNK_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
"""A player asks for everything and then reads as slowly as it plays, for hours; it gets half a minute and asks again, so that it
holds no thread of the server. Browsers know that a server may send less (RFC 9110, 15.3.7)."""


@blueprint.get("/api/recordings/<username>")
@login_required
def recordings(username: str) -> ResponseReturnValue:
    """The next page: `?before=` with the id of the last one here; `?order=` and `?q=` as on the page."""
    wish = Wish(request.args.get("order", "newest"), request.args.get("q", ""), request.args.get("before", ""))
    page = catalogue.of_person(current_user, _owner(username), wish)
    return {"recordings": [library.as_json(recording, current_user) for recording in page.recordings]}


def _owner(username: str) -> User:
    owner = accounts.find(username)
    if owner is None or owner.id != current_user.id:
        return friendships.friend_for(current_user, username)
    return owner


@blueprint.patch("/api/recordings/<recording_id>")
@login_required
def rename(recording_id: str) -> ResponseReturnValue:
    title = JsonBody.of_request().secret("title")       # exactly as sent; the library cleans and checks it
    return _answer(library.rename(current_user, recording_id, title))


@blueprint.put("/api/recordings/<recording_id>/audience")
@login_required
def share(recording_id: str) -> ResponseReturnValue:
    """`{audience, usernames?}`: who may hear it."""
    body = JsonBody.of_request()
    return _answer(library.share(current_user, recording_id, body.secret("audience"), body.texts("usernames")))


def _answer(recording: Recording) -> ResponseReturnValue:
    return {"recording": library.as_json(recording, current_user)}


@blueprint.delete("/api/recordings/<recording_id>")
@login_required
def delete(recording_id: str) -> ResponseReturnValue:
    library.delete(current_user, recording_id)
    return "", 204


@blueprint.post("/api/recordings/<recording_id>/restore")
@login_required
def restore(recording_id: str) -> ResponseReturnValue:
    return _answer(library.restore(current_user, recording_id))


@blueprint.get("/recordings/<recording_id>/audio")
@login_required
def audio(recording_id: str) -> ResponseReturnValue:
    """The FLAC. While it is still recorded: what is complete at this moment, a valid file that the next request finds longer."""
    recording = library.recording_for(current_user, recording_id)
    sound = library.sound_of(recording)
    try:
        return _response(recording, sound)
    except BaseException:               # a Range past the end, say
        sound.close()
        raise


def _response(recording: Recording, sound: Sound) -> Response:
    response = Response(FileWrapper(sound, CHUNK_BYTES), mimetype="audio/flac", direct_passthrough=True)  # type: ignore[arg-type]
    response.content_length = sound.size
    if recording.state == "live":
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers["Cache-Control"] = "private, no-cache"     # to be asked again: a friend may be one no longer
        response.set_etag(sound.version)
    environ = dict(request.environ)
    if request.args.get("download"):
        sound.tag(_tags(recording))
        response.headers.pop("ETag", None)              # of the same sound with other tags
        response.headers.set("Content-Disposition", "attachment", **_file_name(recording))
    elif piece := _piece(request.range):
        environ["HTTP_RANGE"] = piece
    return response.make_conditional(environ, accept_ranges=True, complete_length=sound.size)  # type: ignore[return-value]


def _piece(asked: Range | None) -> str | None:
    """The Range header for the beginning of what was asked for; None when it is to be answered as it is."""
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or asked.ranges[0][0] < 0:
        return None
    start, end = asked.ranges[0]
    return f"bytes={start}-{min(end or start + PIECE_BYTES, start + PIECE_BYTES) - 1}"


def _tags(recording: Recording) -> dict[str, str]:
    return {
        "TITLE": recording.title,
        "ARTIST": recording.owner.display_name,
        "DATE": f"{recording.started_at:%Y-%m-%d}",
        "COMMENT": f"On air {recording.started_at:%Y-%m-%d %H:%M} UTC, recorded by Stillair with the noise removed",
    }


def _file_name(recording: Recording) -> dict[str, str]:
    """RFC 6266: the name in UTF-8, and one in ASCII for clients that do not know of it."""
    title = "".join(" " if letter in '/\\:*?"<>|%' else letter for letter in recording.title)
    name = " ".join(f"{recording.started_at:%Y-%m-%d} {title} - {recording.owner.username}.flac".split())
    plain = " ".join(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().split())
    if plain == name:
        return {"filename": name}
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"}
