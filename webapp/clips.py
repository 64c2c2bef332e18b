"""A piece of a recording, as a file of its own and, for the owner, as a recording of its own.

The piece is decoded and encoded again, and holds exactly the samples that were asked for: FLAC is lossless either way, and 30 s
take 0.1 s. Copying frames instead would have to write each one's number and two checksums anew, in Python, and takes longer.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, current_app
from flask_babel import format_decimal
from flask_babel import gettext as _
from sqlalchemy import select

from contract import PEAK_SAMPLES, RECORDING_AUDIO_AT, SAMPLE_RATE, RecordingHead, RecordingManifest, Span
from webapp import allowance, library, sharing
from webapp.errors import Conflict, Invalid, NotFound
from webapp.extensions import db
from webapp.models import Recording, User, new_id, rfc3339
from webapp.storage import Sound

if TYPE_CHECKING:
    import av  # 23 MB of memory, which a server that cuts nothing does not need

log = logging.getLogger(__name__)

MOST_S = 600.0


def init_app(app: Flask) -> None:
    app.extensions["clip_turn"] = threading.Lock()


@dataclass(frozen=True)
class Piece:
    """In samples of the recording."""

    start: int
    end: int

    @property
    def start_s(self) -> float:
        return self.start / SAMPLE_RATE

    @property
    def duration_s(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


def piece_of(sound: Sound, start_s: float, end_s: float | None) -> Piece:
    """`start_s`: negative counts from the end. `end_s`: None is the end; what lies behind the end is left out. Raises Invalid."""
    length_s = sound.samples / SAMPLE_RATE
    start = round(SAMPLE_RATE * max(0.0, start_s + length_s if start_s < 0 else start_s))
    end = min(sound.samples, round(SAMPLE_RATE * (length_s if end_s is None else end_s)))
    if start >= sound.samples:
        raise Invalid.field("start", _("The recording is only %(seconds)s s long.", seconds=format_decimal(length_s, "0.0")))
    if end <= start:
        raise Invalid.field("end", _("This must be later than the beginning."))
    if end - start > MOST_S * SAMPLE_RATE:
        raise Invalid.field("end", _("A clip has at most %(count)d minutes.", count=MOST_S / 60))
    return Piece(start, end)


def cut(sound: Sound, piece: Piece) -> bytes:
    """A whole FLAC file, as the noise remover writes them. One at a time in this process: ten minutes take 60 MB of memory."""
    with current_app.extensions["clip_turn"]:
        return _cut(sound, piece)


def _cut(sound: Sound, piece: Piece) -> bytes:
    import av

    digest, frames = hashlib.md5(usedforsecurity=False), []
    encoder = av.CodecContext.create("flac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = SAMPLE_RATE, "s16", "mono"
    for block in _blocks(sound, piece):
        digest.update(bytes(block.planes[0])[:2 * block.samples])
        frames += [bytes(packet) for packet in encoder.encode(block)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    sizes = [len(frame) for frame in frames]
    head = RecordingHead(
        samples=piece.end - piece.start, end=RECORDING_AUDIO_AT + sum(sizes), min_frame=min(sizes), max_frame=max(sizes),
        md5=digest.digest(),
    )
    return b"".join((head.to_header(), *frames))


def _blocks(sound: Sound, piece: Piece) -> Iterator[av.AudioFrame]:
    """The samples of the piece in frames of 4608; the last one may be shorter."""
    import av

    left, skip, fifo = piece.end - piece.start, -1, av.AudioFifo()
    with av.open(sound, "r") as container:
        stream = container.streams.audio[0]
        if piece.start:
            container.seek(piece.start, stream=stream)      # to a frame at or before it
        for frame in container.decode(stream):
            if skip < 0:
                skip = piece.start - (frame.pts or 0)
            frame.pts = None
            fifo.write(frame)
            if skip:
                skip -= _drop(fifo, skip)
            while left >= PEAK_SAMPLES <= fifo.samples:
                yield _taken(fifo, PEAK_SAMPLES)
                left -= PEAK_SAMPLES
            if left <= fifo.samples:
                break
    if left:
        yield _taken(fifo, left)


def _taken(fifo: av.AudioFifo, count: int) -> av.AudioFrame:
    frame = fifo.read(count)
    if frame is None:       # the file has fewer samples than its head says
        raise Conflict(_("A part of this recording cannot be read. Try another piece of it."))
    return frame


def _drop(fifo: av.AudioFifo, most: int) -> int:
    count = min(most, fifo.samples)
    if count:
        fifo.read(count)
    return count


# --- A recording of its own

def keep(owner: User, recording_id: str, start_s: float, end_s: float | None, title: str) -> Recording:
    """The piece as a recording beside the others, for those who may hear the whole. Raises NotFound, Invalid or Conflict."""
    whole = library.own_recording(owner, recording_id)
    title = library.checked_title(title)
    with library.sound_of(whole) as sound:
        piece = piece_of(sound, start_s, end_s)
        data = cut(sound, piece)
    left = allowance.left_for(owner, "")
    if left is not None and len(data) > left:
        raise Conflict(_("Your space for recordings is used up. Delete old ones, or download the clip."))
    manifest = _manifest(whole, piece, title)
    peaks = library.folder().peaks(whole.id)[piece.start // PEAK_SAMPLES:-(-piece.end // PEAK_SAMPLES)]
    try:
        library.folder().add(manifest, data, peaks, sharing.audience_of(whole).to_json())
    except OSError as error:
        log.exception("a clip was not written", extra={"recording": whole.id})
        raise Conflict(_("The clip could not be saved; the recording is safe. The server's admin can see why.")) from error
    library.ingest()
    clip = db.session.get(Recording, manifest.stream_id)
    if clip is None:
        raise Conflict(_("The clip was saved, but is not in the list yet. Look again in a moment."))
    if db.session.scalar(select(Recording.id).where(Recording.id == recording_id, Recording.deleted_at.is_(None))) is None:
        library.delete(owner, clip.id)          # the whole was deleted meanwhile, and its clips with it
        raise NotFound
    return clip


def _manifest(whole: Recording, piece: Piece, title: str) -> RecordingManifest:
    return RecordingManifest(
        stream_id=new_id(), owner=whole.owner.username, title=title,
        started_at=rfc3339(whole.started_at + timedelta(seconds=piece.start_s)), state="closed", samples=piece.end - piece.start,
        gaps=_within(whole.gaps, piece), paused=_within(whole.paused, piece), clip_of=whole.clip_of or whole.id,
    )


def _within(spans: list[dict[str, object]], piece: Piece) -> tuple[Span, ...]:
    """What of the spans lies in the piece, in its time."""
    found = []
    for span in (Span(**entry) for entry in spans):     # type: ignore[arg-type]
        start = max(span.start, piece.start_s)
        end = min(span.start + span.length, piece.end / SAMPLE_RATE)
        if end > start:
            found.append(replace(span, start=start - piece.start_s, length=end - start))
    return tuple(found)
