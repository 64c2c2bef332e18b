"""Converts recordings to Ogg Opus, a tenth of the size, for phones and for browsers that play no FLAC.

A file is made when somebody asks for it the first time, and kept beside the recording for the next one. What is kept has a limit;
what was asked for longest ago goes first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import IO

from flask_babel import gettext as _

from webapp.core.database import db, refuse_open_transaction
from webapp.core.errors import Busy, Conflict
from webapp.models import Recording
from webapp.recordings import queries as recording_queries
from webapp.recordings.files import OpusDraft
from webapp.recordings.sound import LAYOUTS, Sound, decoding
from webapp.security import turns

log = logging.getLogger(__name__)

BIT_RATE = 64_000  # for each channel; mono speech is transparent at this rate
KEPT_BYTES = 2 * 10**9  # of all recordings together: about 70 hours
CHUNK_BYTES = 64 * 1024
MAKING_S = 600


def make(recording: Recording, person_id: int, tags: Mapping[str, str]) -> IO[bytes]:
    """Return the whole file, for the caller to close, and keep it for the next one.

    It takes a while, and no database connection is held meanwhile. Raises NotFound, TooMany, Busy, and Conflict while it is being
    recorded, or when the server has no room for it.
    """
    if recording.state == "live":
        raise Conflict(_("This stream is still being recorded. When it has ended, it can be downloaded as Opus."))
    with turns.turn("opus", person_id), recording_queries.sound_of(recording) as sound:
        draft = recording_queries.folder().begin_opus(recording.id)
        db.session.commit()
        refuse_open_transaction("converter")
        try:
            return _made(sound, tags, draft)
        finally:
            draft.close()


def _made(sound: Sound, tags: Mapping[str, str], draft: OpusDraft) -> IO[bytes]:
    folder, deadline = recording_queries.folder(), time.monotonic() + MAKING_S
    file = folder.scratch()
    try:
        for piece in _encode(sound, tags):
            file.write(piece)
            draft.write(piece)
            if time.monotonic() > deadline:
                raise Busy(_("Converting takes too long right now. Download the FLAC, or try again later."), retry_after_s=60)
        draft.keep()
        folder.trim_opus(KEPT_BYTES)
        return file
    except OSError as error:
        log.exception("an Opus file was not made")
        file.close()
        raise Conflict(_("The server has no room to convert this recording, which is safe. Download the FLAC.")) from error
    except BaseException:
        file.close()
        raise


class _Pipe:
    """Holds what a muxer writes, until it is taken piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self, minimum: int = 0) -> bytes:
        if len(self._written) < max(1, minimum):
            return b""
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _encode(sound: Sound, tags: Mapping[str, str]) -> Iterator[bytes]:
    import av  # 23 MB of memory, which a server that converts nothing does not need

    pipe = _Pipe()
    with decoding(), av.open(sound, "r") as source, av.open(pipe, "w", format="ogg") as target:
        target.metadata.update({name.lower(): value for name, value in tags.items()})
        stream = target.add_stream("libopus", rate=48_000, layout=LAYOUTS[sound.channels], options={"application": "audio"})
        stream.bit_rate = BIT_RATE * sound.channels
        for frame in source.decode(source.streams.audio[0]):
            target.mux(stream.encode(frame))
            if piece := pipe.take(CHUNK_BYTES):
                yield piece
        target.mux(stream.encode(None))
    if piece := pipe.take():
        yield piece
