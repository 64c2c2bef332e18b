"""Converts recordings to Ogg Opus, a tenth of the size, for phones and for browsers that play no FLAC.

A file is made when somebody asks for it the first time, sent while it is made, and kept beside the recording for the next one.
What is kept has a limit; what was asked for longest ago goes first. One is made at a time in this process: live streams need the
cores.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping

from flask import Flask, current_app
from flask_babel import gettext as _

from webapp.core.errors import Busy, Conflict
from webapp.models import Recording
from webapp.recordings import queries as recording_queries
from webapp.recordings.sound import LAYOUTS, Sound

log = logging.getLogger(__name__)

BIT_RATE = 64_000  # for each channel; mono speech is transparent at this rate
KEPT_BYTES = 2 * 10**9  # of all recordings together: about 70 hours
CHUNK_BYTES = 64 * 1024
RETRY_AFTER_S = 30


def init_app(app: Flask) -> None:
    app.extensions["opus_turn"] = threading.Semaphore(1)


def make(recording: Recording, tags: Mapping[str, str]) -> Iterator[bytes]:
    """Return the whole file, piece by piece. Raises NotFound, Conflict while it is being recorded, or Busy."""
    if recording.state == "live":
        raise Conflict(_("This stream is still being recorded. When it has ended, it can be downloaded as Opus."))
    turn: threading.Semaphore = current_app.extensions["opus_turn"]
    if not turn.acquire(blocking=False):
        raise Busy(_("Another recording is being converted. Try again in half a minute."), retry_after_s=RETRY_AFTER_S)
    try:
        return _Making(recording, turn, tags)
    except BaseException:
        turn.release()
        raise


class _Making(Iterator[bytes]):
    """Makes one file.

    It frees the slot also when it is closed before its first piece was asked for; a generator would not notice that.
    """

    def __init__(self, recording: Recording, turn: threading.Semaphore, tags: Mapping[str, str]) -> None:
        self._folder, self._turn = recording_queries.folder(), turn
        self._sound = recording_queries.sound_of(recording)
        self._draft = self._folder.begin_opus(recording.id)
        self._pieces = _encode(self._sound, tags)
        self._open = True

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            if self._open:
                self._draft.keep()
                self.close()
                self._folder.trim_opus(KEPT_BYTES)
            raise
        self._draft.write(piece)
        return piece

    def close(self) -> None:
        """Free the slot, and throw away what was not finished."""
        if self._open:
            self._open = False
            self._draft.close()
            self._sound.close()
            self._turn.release()


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
    with av.open(sound, "r") as source, av.open(pipe, "w", format="ogg") as target:
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
