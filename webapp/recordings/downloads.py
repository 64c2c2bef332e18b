"""Answers requests with the sound of a recording: whole or in part, to be played or kept as a file."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from datetime import datetime, timedelta
from urllib.parse import quote

from flask import Response, request
from werkzeug import Response as BaseResponse
from werkzeug.datastructures import Range

from webapp.core import sent_body
from webapp.core.sent_body import FileBody
from webapp.core.text import clock
from webapp.models import Recording
from webapp.recordings import clips
from webapp.recordings import opus as opus_files
from webapp.recordings import queries as recording_queries
from webapp.security import turns

PLAYERS = ("audio", "video")
PIECE_BYTES = 1024 * 1024
"""The player of a page asks for everything and then reads as slowly as it plays, for hours; it gets half a minute and asks again,
so that it holds no connection meanwhile. Browsers know that a server may send less (RFC 9110, 15.3.7); other programs take it for
the end."""


def flac(recording: Recording, viewer_id: int, *, as_file: bool) -> BaseResponse:
    """Send the FLAC. While it is being recorded, that is what is complete at this moment. Raises TooMany and Busy."""
    sound = recording_queries.sound_of(recording)
    response = Response(mimetype="audio/flac")
    _let_cache(response, recording, sound.version)
    if as_file:
        sound.tag(_tags(recording, recording.started_at))
        response.headers.pop("ETag", None)  # of the same sound with other tags
        response.headers.set("Content-Disposition", "attachment", **_file_name(recording, recording.title))
    piece = _piece(request.range) if request.headers.get("Sec-Fetch-Dest") in PLAYERS else None
    return sent_body.send_range(response, FileBody(sound, sound.size, turns.take("sound", viewer_id)), piece)


def clip(recording: Recording, viewer_id: int, start_s: float, end_s: float | None) -> BaseResponse:
    """Send a piece as a file with tags. Raises what clips.piece_of and clips.cut do."""
    with recording_queries.sound_of(recording) as sound:
        piece = clips.piece_of(sound, start_s, end_s)
        tags = _tags(recording, recording.started_at + timedelta(seconds=piece.start_s))
        part = f"{recording.title} {clock(piece.start_s)} to {clock(piece.start_s + piece.duration_s)}"
        name = _file_name(recording, part)
        file = clips.cut(sound, piece, viewer_id, tags)
    response = Response(mimetype="audio/flac")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers.set("Content-Disposition", "attachment", **name)
    return sent_body.send(response, FileBody(file, file.seek(0, os.SEEK_END)))


def opus(recording: Recording, viewer_id: int, *, as_file: bool) -> BaseResponse:
    """Send the Ogg Opus, which is made when it is asked for the first time. Raises what opus.make does."""
    name = _file_name(recording, recording.title, "opus")
    kept = recording_queries.folder().opus(recording.id)
    file = kept or opus_files.make(recording, viewer_id, _tags(recording, recording.started_at))
    response = Response(mimetype="audio/ogg")
    response.headers["Cache-Control"] = "private, no-cache"
    if as_file:
        response.headers.set("Content-Disposition", "attachment", **name)
    return sent_body.send_range(response, FileBody(file, file.seek(0, os.SEEK_END)))


def peaks(recording: Recording) -> BaseResponse:
    """Send a byte for each bar of the drawing of a recording."""
    response = Response(recording_queries.peaks_of(recording), mimetype="application/octet-stream")
    _let_cache(response, recording, hashlib.sha256(response.get_data()).hexdigest()[:16])
    return response.make_conditional(request)


def _let_cache(response: Response, recording: Recording, version: str) -> None:
    """Let browsers keep what is finished, but ask again each time: a friend may be one no longer."""
    if recording.state == "live":
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(version)


def _piece(asked: Range | None) -> str | None:
    """Return a Range header for the beginning of what was asked for; None when it is to be answered as it is."""
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or asked.ranges[0][0] < 0:
        return None
    start, end = asked.ranges[0]
    return f"bytes={start}-{min(end or start + PIECE_BYTES, start + PIECE_BYTES) - 1}"


def _tags(recording: Recording, at: datetime) -> dict[str, str]:
    """Return the tags of a file. `at`: when the first of these samples was said."""
    return {
        "TITLE": recording.title,
        "ARTIST": recording.owner.display_name,
        "DATE": f"{at:%Y-%m-%d}",
        "COMMENT": f"On air {at:%Y-%m-%d %H:%M} UTC, recorded by Stillair with the noise removed",
    }


def _file_name(recording: Recording, title: str, ending: str = "flac") -> dict[str, str]:
    """Return the name in UTF-8, and one in ASCII for clients that do not know of it (RFC 6266)."""
    title = "".join(" " if letter in '/\\:*?"<>|%' else letter for letter in title)
    name = " ".join(f"{recording.started_at:%Y-%m-%d} {title} - {recording.owner.username}.{ending}".split())
    plain = " ".join(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().split())
    if plain == name:
        return {"filename": name}
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"}
