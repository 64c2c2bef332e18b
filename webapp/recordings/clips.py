"""Cuts a piece out of a recording: as a file, or for the owner as a recording of its own.

A clip holds exactly the samples that were asked for. Frames within the piece are copied and renumbered; only those in which it
begins or ends are encoded again (webapp/recordings/flac_frames.py). So an hour takes a second or two.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO

from flask_babel import format_decimal
from flask_babel import gettext as _
from sqlalchemy import select

from contract.flac import renumber
from contract.recording import PEAK_SAMPLES, RECORDING_AUDIO_AT, SAMPLE_RATE, RecordingHead, RecordingManifest, Span
from webapp.accounts import quotas
from webapp.core.database import db, refuse_open_transaction
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.text import validate_title
from webapp.models import Recording, User, new_id, rfc3339
from webapp.recordings import editing, flac_frames, ingest, sharing
from webapp.recordings import queries as recording_queries
from webapp.recordings.flac_tags import with_tags
from webapp.recordings.sound import Sound, decoding
from webapp.security import turns

log = logging.getLogger(__name__)

MAX_S = 3600.0
NO_TAGS: Mapping[str, str] = {}
MD5_S = 60.0
"""Longer clips go without the checksum of all samples, which FLAC leaves open: they would have to be decoded for it."""


@dataclass(frozen=True)
class Piece:
    """Says which samples of a recording are wanted."""

    start: int
    end: int

    @property
    def start_s(self) -> float:
        return self.start / SAMPLE_RATE

    @property
    def duration_s(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


def piece_of(sound: Sound, start_s: float, end_s: float | None) -> Piece:
    """Return the piece between two times.

    A negative `start_s` counts from the end; an `end_s` of None, or behind the end, is the end. Raises Invalid.
    """
    length_s = sound.samples / SAMPLE_RATE
    start = round(SAMPLE_RATE * min(length_s, max(0.0, start_s + length_s if start_s < 0 else start_s)))
    end = round(SAMPLE_RATE * (length_s if end_s is None else min(length_s, end_s)))
    if start >= sound.samples:
        raise Invalid.field("start", _("The recording is only %(seconds)s s long.", seconds=format_decimal(length_s, "0.0")))
    if end <= start:
        raise Invalid.field("end", _("This must be later than the start."))
    if end - start > MAX_S * SAMPLE_RATE:
        raise Invalid.field("end", _("A clip can be at most %(count)d minutes long.", count=MAX_S / 60))
    return Piece(start, end)


def cut(sound: Sound, piece: Piece, person_id: int, tags: Mapping[str, str] = NO_TAGS) -> IO[bytes]:
    """Return the piece as a whole FLAC file, for the caller to close.

    It takes a while, and no database connection is held meanwhile. Raises Conflict, TooMany and Busy.
    """
    db.session.commit()
    refuse_open_transaction("clip")
    with turns.turn("clip", person_id):
        file = recording_queries.folder().scratch()
        try:
            with decoding():
                head = write(sound, piece, file)
            if head.samples != piece.end - piece.start:  # the file has fewer samples than its head says
                raise Conflict(_("Part of this recording cannot be read. Try another part of it."))
            file.seek(0)
            file.write(with_tags(head.to_header(), tags) if tags else head.to_header())
        except BaseException:
            file.close()
            raise
    return file


def write(sound: Sound, piece: Piece, file: IO[bytes]) -> RecordingHead:
    """Write the frames to their places, and return what the head has to say."""
    file.seek(RECORDING_AUDIO_AT)
    whole_md5 = hashlib.md5(usedforsecurity=False) if piece.duration_s <= MD5_S else None
    samples, counts_samples = 0, False
    blocks: list[int] = []
    sizes: list[int] = []
    for frame in flac_frames.frames(sound, piece.start, piece.end, whole_md5.update if whole_md5 else None):
        if not blocks:  # only the last frame may be shorter than the others, unless all say where they stand
            counts_samples = frame.samples not in (PEAK_SAMPLES, piece.end - piece.start)
        data = renumber(frame.data, samples if counts_samples else len(blocks), counts_samples=counts_samples)
        file.write(data)
        samples += frame.samples
        blocks.append(frame.samples)
        sizes.append(len(data))
    return RecordingHead(
        samples=samples,
        end=RECORDING_AUDIO_AT + sum(sizes),
        min_frame=min(sizes, default=0),
        max_frame=max(sizes, default=0),
        md5=whole_md5.digest() if whole_md5 else bytes(16),
        min_block=min(blocks[:-1], default=PEAK_SAMPLES),
        channels=sound.channels,
    )


# --- A recording of its own


def keep(owner: User, recording_id: str, start_s: float, end_s: float | None, title: str) -> Recording:
    """Keep the piece as a recording, for those who may hear the whole one. Raises NotFound and Invalid, and what `cut` does."""
    whole = recording_queries.own_recording(owner, recording_id)
    title = validate_title(title)
    with recording_queries.sound_of(whole) as sound:
        piece = piece_of(sound, start_s, end_s)
        file = cut(sound, piece, owner.id)
    with file:
        whole = recording_queries.own_recording(owner, recording_id)  # it may have been deleted meanwhile
        return _keep(owner, whole, piece, title, file)


def _keep(owner: User, whole: Recording, piece: Piece, title: str, file: IO[bytes]) -> Recording:
    whole_id, left = whole.id, quotas.left_for(owner, "")
    if left is not None and file.seek(0, os.SEEK_END) > left:
        raise Conflict(_("Your space for recordings is used up. Delete old recordings, or download the clip instead."))
    manifest = _manifest(whole, piece, title)
    peaks = recording_queries.folder().peaks(whole.id)[piece.start // PEAK_SAMPLES : -(-piece.end // PEAK_SAMPLES)]
    try:
        recording_queries.folder().add(manifest, file, peaks, sharing.audience_of(whole).to_json())
    except OSError as error:
        log.exception("a clip was not written", extra={"recording": whole.id})
        raise Conflict(_("The clip could not be saved; the recording is safe. The server's admin can see why.")) from error
    ingest.ingest()
    clip = db.session.get(Recording, manifest.stream_id)
    if clip is None:
        raise Conflict(_("The clip was saved, but is not in the list yet. Look again in a moment."))
    if db.session.scalar(select(Recording.id).where(Recording.id == whole_id, Recording.deleted_at.is_(None))) is None:
        editing.delete(owner, clip.id)  # the whole was deleted meanwhile, and its clips with it
        raise NotFound
    return clip


def _manifest(whole: Recording, piece: Piece, title: str) -> RecordingManifest:
    return RecordingManifest(
        stream_id=new_id(),
        owner=whole.owner.username,
        title=title,
        started_at=rfc3339(whole.started_at + timedelta(seconds=piece.start_s)),
        state="closed",
        samples=piece.end - piece.start,
        gaps=_within(whole.gaps, piece),
        paused=_within(whole.paused, piece),
        clip_of=whole.clip_of or whole.id,
    )


def _within(spans: list[dict[str, object]], piece: Piece) -> tuple[Span, ...]:
    """Return what of the spans lies in the piece, in its time."""
    found = []
    for span in (Span(**entry) for entry in spans):  # type: ignore[arg-type]
        start = max(span.start, piece.start_s)
        end = min(span.start + span.length, piece.end / SAMPLE_RATE)
        if end > start:
            found.append(replace(span, start=start - piece.start_s, length=end - start))
    return tuple(found)
