"""Recordings: taken over from the sidecars that the noise remover writes, listed, played, renamed and deleted.

The files are the truth and a row is a cache of its sidecar: `ingest` makes and renews rows, as often as one likes, and all of
them can be made again. Only the owner and those who may hear it (webapp.sharing) know of a recording. A deleted one is gone from
every list at once, and its files and row when the time for Undo is over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import CursorResult, Select, or_, select
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm.attributes import set_committed_value

from contract import SAMPLE_RATE, ContractError, RecordingManifest
from webapp import accounts, allowance, broadcasts, sharing, waves
from webapp.config import Config
from webapp.errors import Conflict, Invalid, NotFound
from webapp.events import publish
from webapp.extensions import db
from webapp.models import DiscardedRecording, Recording, Stream, User, now, rfc3339
from webapp.sharing import Audience
from webapp.storage import RecordingFolder, Sound
from webapp.text import clean, is_encodable, is_visible

log = logging.getLogger(__name__)

UNDO = timedelta(seconds=10)
UNDO_SPARE = timedelta(seconds=2)       # the button is shown for UNDO; a press at its end still has to arrive
ABANDONED_S = 60.0                      # a sound file that did not grow for so long has no writer any more
CLOCK_STEP_S = 1.0                      # two changes of a folder so close to each other may carry the same time
DISCARDED_AGAIN = timedelta(minutes=5)  # a noise remover that was still writing has brought its last words to disk by then
LOOK_AT_ALL_S = 60.0                    # a sidecar that somebody edited in place does not change its folder
TITLE_LENGTH = 120


def init_app(app: Flask, config: Config) -> None:
    app.extensions["recordings"] = RecordingFolder(config.recordings, spare_bytes=config.low_water_mb * 2**20)
    app.extensions["recordings_seen"] = _Seen()


def folder() -> RecordingFolder:
    return current_app.extensions["recordings"]  # type: ignore[no-any-return]


# --- Questions

def recording_for(viewer: User, recording_id: str) -> Recording:
    """One's own, or a friend's who shares it. Raises NotFound."""
    recording = db.session.get(Recording, recording_id)
    if recording is None or recording.deleted_at is not None or not sharing.may_hear(viewer, recording):
        raise NotFound
    return fresh([recording])[0]


def own_recording(owner: User, recording_id: str) -> Recording:
    """Raises NotFound also for a friend's."""
    recording = recording_for(owner, recording_id)
    if recording.owner_id != owner.id:
        raise NotFound
    return recording


def just_deleted(owner: User) -> Recording | None:
    """The one that Undo would bring back."""
    query = select(Recording).where(Recording.owner_id == owner.id, Recording.deleted_at > now() - UNDO)
    return db.session.scalar(query.order_by(Recording.deleted_at.desc(), Recording.clip_of).limit(1))


def sound_of(recording: Recording) -> Sound:
    """Its sound at this moment, to be closed by the caller. Raises NotFound when the file is gone."""
    sound = folder().sound(recording.id)
    if sound is None:
        log.error("a recording's sound file is missing", extra={"recording": recording.id})
        raise NotFound(_("The sound of this recording is missing on the server. Its admin can look for the file."))
    return sound


def peaks_of(recording: Recording) -> bytes:
    """How loud it is from beginning to end, in at most PLAYER_BARS steps, 0 to 255; empty when nobody has drawn it yet."""
    return waves.reduced(folder().peaks(recording.id), waves.PLAYER_BARS)


def as_json(recording: Recording, viewer: User) -> dict[str, Any]:
    """With whom it is shared is told to the owner only."""
    shared = {}
    if viewer.id == recording.owner_id:
        shared = {"audience": recording.audience, "usernames": list(sharing.audience_of(recording).usernames)}
    return {
        "id": recording.id,
        "title": recording.title,
        "owner": recording.owner.username,
        "started_at": rfc3339(recording.started_at),
        "duration": round(recording.duration, 3),
        "size": recording.size,
        "state": recording.state,
        "gaps": recording.gaps,
        "paused": recording.paused,
        "clip_of": recording.clip_of or None,
        "audio_url": audio_url(recording),
        **shared,
    }


def audio_url(recording: Recording) -> str:
    """A new one whenever a recording that still grows has become longer: a page plays what it knows of an old one again."""
    version = recording.size if recording.state == "live" else None
    return url_for("api_recordings.audio", recording_id=recording.id, v=version)


def fresh(recordings: Iterable[Recording]) -> list[Recording]:
    """With the length at this moment of those that are still recorded; the row learns it at the end."""
    found = list(recordings)
    for recording in found:
        if recording.state == "live" and (sound := folder().sound(recording.id)):
            with sound:
                set_committed_value(recording, "duration", sound.samples / SAMPLE_RATE)
                set_committed_value(recording, "size", sound.size)
    return found


def as_time(text: str) -> datetime | None:
    """Of RFC 3339; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# --- The owner's acts

def rename(owner: User, recording_id: str, title: str) -> Recording:
    """Raises NotFound or Invalid. While it is still recorded the stream gets the title, and the noise remover writes it down."""
    recording = own_recording(owner, recording_id)
    title = checked_title(title)
    if _is_recorded(recording):
        broadcasts.set_title(owner, title)
    else:
        _rename_sidecar(recording.id, title)
    recording.title = title
    db.session.commit()
    return recording


def checked_title(title: str) -> str:
    """Raises Invalid."""
    if not is_encodable(title):
        raise Invalid.field("title", _("This contains characters that do not exist."))
    if len(title) > TITLE_LENGTH:
        raise Invalid.field("title", _("At most %(count)d characters.", count=TITLE_LENGTH))
    title = clean(title)
    if not is_visible(title):
        raise Invalid.field("title", _("This may not be empty."))
    return title


def _rename_sidecar(recording_id: str, title: str) -> None:
    try:
        folder().write_manifest(folder().manifest(recording_id).with_(title=title))
    except (ContractError, OSError) as error:
        log.exception("a recording was not renamed", extra={"recording": recording_id})
        raise Conflict(_("The recording could not be renamed; it is safe. The server's admin can see why in its log.")) from error


def share(owner: User, recording_id: str, kind: str, usernames: list[str]) -> Recording:
    """`kind`: sharing.AUDIENCES. Raises NotFound or Invalid. Who may not hear it any more is told that it is gone."""
    recording = own_recording(owner, recording_id)
    audience = sharing.wanted(owner, kind, usernames)
    _write_audience(recording.id, audience)
    before = sharing.hearers(recording)
    sharing.set_audience(recording, audience)
    db.session.flush()
    after = sharing.hearers(recording)
    publish(before - after, "recording.removed", {"id": recording.id})
    publish(after - before, "recording.ready", _news(recording))
    db.session.commit()
    return recording


def _write_audience(recording_id: str, audience: Audience) -> None:
    try:
        folder().write_audience(recording_id, audience.to_json())
    except OSError as error:
        log.exception("who may hear a recording was not changed", extra={"recording": recording_id})
        raise Conflict(_("Not saved: who may hear it is as before. The server's admin can see why in its log.")) from error


def delete(owner: User, recording_id: str) -> None:
    """Out of all lists, with its clips; `restore` brings them back for UNDO. Raises NotFound, Conflict while it is recorded."""
    recording = own_recording(owner, recording_id)
    if _is_recorded(recording):
        raise Conflict(_("This stream is still being recorded. Stop Streaming first, then delete the recording."))
    moment = now()
    for one in (recording, *_clips_of(recording)):
        one.deleted_at = moment
        _tell("recording.removed", one, {"id": one.id})
    db.session.commit()


def restore(owner: User, recording_id: str) -> Recording:
    """Undo. Raises NotFound when its time is over."""
    recording = db.session.get(Recording, recording_id)
    if recording is None or recording.owner_id != owner.id:
        raise NotFound
    if recording.deleted_at is None:
        return recording
    if recording.deleted_at < now() - UNDO - UNDO_SPARE:
        raise NotFound(_("It is too late to bring this recording back."))
    together = Recording.deleted_at == recording.deleted_at, Recording.clip_of == recording.id
    for one in (recording, *db.session.scalars(select(Recording).where(*together)).all()):
        one.deleted_at = None
        _tell("recording.ready", one, _news(one))
    db.session.commit()
    return recording


def _clips_of(recording: Recording) -> list[Recording]:
    """Pieces of it in the list: they hold its sound, so they share its end."""
    pieces = select(Recording).where(Recording.clip_of == recording.id, Recording.deleted_at.is_(None))
    return list(db.session.scalars(pieces))


def _is_recorded(recording: Recording) -> bool:
    return recording.state == "live" and _stream_runs(recording.id)


def _stream_runs(stream_id: str) -> bool:
    stream = db.session.get(Stream, stream_id)
    return stream is not None and stream.state != "ended"


def _tell(kind: str, recording: Recording, data: dict[str, Any]) -> None:
    publish([recording.owner_id, *sharing.hearers(recording)], kind, data)


def _news(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "username": recording.owner.username,
        "title": recording.title,
        "duration": round(recording.duration, 3),
    }


# --- Files to rows

@dataclass
class Ingested:
    """What a look at the folder did. `problems`: for the admin, one sentence each."""

    taken: set[str] = field(default_factory=set)            # ids
    problems: list[str] = field(default_factory=list)


class _Refused(Exception):
    """A sidecar cannot be taken over; nothing is guessed."""


@dataclass
class _Seen:
    """What this process knows of the folder already. It may be lost at any time: then everything is looked at once more."""

    folder: int = 0                     # its changed_at at the last whole look
    looked_at: float = 0.0              # time.monotonic() then
    versions: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)        # to be looked at again though they do not change


def ingest() -> Ingested:
    """Brings the rows up to what the sidecars say, those that were written since the last call in this process."""
    seen: _Seen = current_app.extensions["recordings_seen"]
    done = Ingested()
    changed_at = folder().changed_at()
    look_at_all = changed_at != seen.folder or time.monotonic() - seen.looked_at > LOOK_AT_ALL_S
    unsettled = list(seen.unsettled)
    for sidecar in folder().sidecars() if look_at_all else ():
        if seen.versions.get(sidecar.id) != sidecar.version:
            _ingest_one(sidecar.id, seen, done)
            seen.versions[sidecar.id] = sidecar.version
    for recording_id in unsettled:
        _ingest_one(recording_id, seen, done)
    if look_at_all and now().timestamp() - changed_at / 1e9 > CLOCK_STEP_S:
        seen.folder, seen.looked_at = changed_at, time.monotonic()
    return done


def _ingest_one(recording_id: str, seen: _Seen, done: Ingested) -> None:
    try:
        settled = _take_over(recording_id)
        done.taken.add(recording_id)
    except _Refused as refusal:
        settled = True
        db.session.rollback()
        log.warning("a sidecar was not taken over: %s", refusal, extra={"recording": recording_id})
        done.problems.append(f"{recording_id}.json: {refusal}")
    (seen.unsettled.discard if settled else seen.unsettled.add)(recording_id)


def rebuild() -> Ingested:
    """All rows from all files, for a database that was lost. A file without its other half is reported."""
    current_app.extensions["recordings_seen"] = _Seen()
    done = ingest()
    known = {sidecar.id for sidecar in folder().sidecars()}
    alone = [name for name in folder().sounds() if name not in known]
    done.problems += [f"{name}.flac: It has no sidecar, so nobody knows whose it is." for name in alone]
    return done


def _take_over(recording_id: str) -> bool:
    """Makes or renews a row. False when this sidecar must be looked at again though it does not change. Raises _Refused."""
    if db.session.get(DiscardedRecording, recording_id) is not None:
        return True
    manifest = _read(recording_id)
    owner = accounts.find(manifest.owner)
    if owner is None:
        raise _Refused("No account here has its owner's name. Make it, then rebuild the list.")
    started_at = as_time(manifest.started_at)
    if started_at is None:
        raise _Refused("It does not say when the recording began.")
    sound = folder().sound(recording_id)
    if sound is None:
        if manifest.samples:
            raise _Refused("There is no sound file beside it.")
        return False                    # it begins just now
    with sound:
        state = _state(manifest, sound)
        recording = db.session.get(Recording, recording_id) or _new_row(recording_id, owner)
        if recording.deleted_at is not None:
            return True
        ready = state != "live" and recording.state == "live"
        recording.owner = owner
        recording.title = clean(manifest.title)[:TITLE_LENGTH] or f"{owner.display_name} on air"
        recording.started_at = started_at
        recording.state = state
        db.session.add(recording)
        sharing.set_audience(recording, _audience(recording))
        recording.clip_of = manifest.clip_of
        recording.gaps = [asdict(span) for span in manifest.gaps]
        recording.paused = [asdict(span) for span in manifest.paused]
        if state != "live":             # see fresh
            recording.duration = (sound.samples or manifest.samples) / SAMPLE_RATE
            recording.size = sound.size
            recording.outline = waves.reduced(folder().peaks(recording_id), waves.OUTLINE_BARS)
    db.session.flush()
    if ready:
        _tell("recording.ready", recording, _news(recording))
    db.session.commit()
    return state == manifest.state != "live"


def _audience(recording: Recording) -> Audience:
    """As the note beside it says; one that cannot be read opens a recording to nobody. Without a note the row is right."""
    try:
        note = folder().audience(recording.id)
        return Audience.from_json(note) if note is not None else sharing.audience_of(recording)
    except (ContractError, OSError):
        log.exception("nobody but its owner may hear a recording now", extra={"recording": recording.id})
        return Audience(sharing.NOBODY)


def _new_row(recording_id: str, owner: User) -> Recording:
    """For all that its owner wants new recordings to be for, which is written down: all the rest is in the sidecar."""
    if owner.audience != sharing.FRIENDS and folder().audience(recording_id) is None:
        folder().write_audience(recording_id, Audience(owner.audience).to_json())
    return Recording(id=recording_id, state="live", duration=0.0, size=0, audience=owner.audience)


def _read(recording_id: str) -> RecordingManifest:
    try:
        manifest = folder().manifest(recording_id)
    except ContractError as error:
        raise _Refused(f"It cannot be read: {error}.") from error
    except OSError as error:
        raise _Refused(f"It cannot be opened: {error.strerror}.") from error
    if manifest.stream_id != recording_id:
        raise _Refused("It belongs to another recording.")
    return manifest


def _state(manifest: RecordingManifest, sound: Sound) -> str:
    """The sidecar's, but for a noise remover that died: while the stream runs another one goes on with the recording, and when
    the stream is over and the file does not grow any more, nobody will say that it is complete."""
    if manifest.state == "recovered" and _stream_runs(manifest.stream_id):
        return "live"
    if manifest.state == "live" and not _stream_runs(manifest.stream_id):
        idle_s = now().timestamp() - sound.modified_at
        return "recovered" if idle_s > ABANDONED_S else "live"
    return manifest.state


@dataclass(frozen=True)
class Strays:
    """Ids of files without their other half."""

    without_sidecar: list[str]      # nobody knows whose sound it is
    without_sound: list[str]


def strays() -> Strays:
    """A recording that has begun just now is none, nor is one that is being recorded or deleted."""
    running = set(db.session.scalars(select(Stream.id).where(or_(Stream.state != "ended", Stream.ended_at > now() - UNDO))))
    going = set(db.session.scalars(select(Recording.id).where(Recording.deleted_at.is_not(None))))
    sounds, sidecars = set(folder().sounds()), {sidecar.id for sidecar in folder().sidecars()}
    return Strays(sorted(sounds - sidecars - running - going), sorted(sidecars - sounds - running - going))


# --- Deletion

def purge() -> int:
    """Deletes for good what was deleted and not restored. Returns how many."""
    return _delete_for_good(select(Recording.id).where(Recording.deleted_at < now() - UNDO - 2 * UNDO_SPARE))


def expire() -> int:
    """Deletes what is older than the server or its owner keeps it. Returns how many."""
    old = select(Recording).join(Recording.owner).where(
        allowance.is_too_old(), Recording.state != "live", Recording.deleted_at.is_(None),
    )
    for recording in db.session.scalars(old).all():
        for one in (recording, *_clips_of(recording)):
            _tell("recording.removed", one, {"id": one.id})
            one.deleted_at = now() - UNDO - 2 * UNDO_SPARE
    db.session.commit()
    return purge()


def _delete_for_good(ids: Select[str]) -> int:
    """The row is locked, then the files go, then the row: a crash in between only means doing it again."""
    count = 0
    for recording_id in list(db.session.scalars(ids)):
        row = delete_rows(Recording).where(Recording.id == recording_id, Recording.deleted_at.is_not(None))
        if cast("CursorResult[Any]", db.session.execute(row)).rowcount:         # 0: restored at this very moment
            folder().delete(recording_id)
            count += 1
        db.session.commit()
    return count


def discard_all_of(owner: User) -> None:
    """For an account that is being deleted, in its transaction: `delete_discarded` deletes the files. Of a stream that nobody has
    looked at yet, too: whoever takes the name next must not find them."""
    ids = {*db.session.scalars(select(Recording.id).where(Recording.owner_id == owner.id))}
    ids |= {*db.session.scalars(select(Stream.id).where(Stream.owner_id == owner.id))}
    db.session.add_all(DiscardedRecording(id=recording_id) for recording_id in ids)


def delete_discarded() -> None:
    """All files, at once and once more later."""
    due = select(DiscardedRecording).where(DiscardedRecording.due_at <= now())
    for discarded in db.session.scalars(due).all():
        folder().delete(discarded.id)
        if discarded.due_at < discarded.at + DISCARDED_AGAIN:
            discarded.due_at = discarded.at + DISCARDED_AGAIN
        else:
            db.session.delete(discarded)
        db.session.commit()


def tend() -> None:
    """The reconciler's share."""
    ingest()
    purge()
    expire()
    delete_discarded()
