"""Recordings: taken over from the sidecars that the noise remover writes, listed, played, renamed and deleted.

The files are the truth and a row is a cache of its sidecar: `ingest` makes and renews rows, as often as one likes, and all of
them can be made again. Only the owner and those who may hear it (webapp.recordings.sharing) know of a recording. A deleted
one is gone from
every list at once, and its files and row when the time for Undo is over.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field

from flask import Flask, current_app

from contract.fields import ContractError
from contract.recording import SAMPLE_RATE, RecordingManifest
from webapp.accounts import accounts
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.text import clean
from webapp.models import DiscardedRecording, Recording, User, now
from webapp.models.base import parse_rfc3339
from webapp.recordings import sharing, waveform
from webapp.recordings.announcements import announce, announcement
from webapp.recordings.editing import TITLE_LENGTH
from webapp.recordings.files import RecordingFolder
from webapp.recordings.queries import folder, stream_runs
from webapp.recordings.sharing import Audience
from webapp.recordings.sound import Sound

log = logging.getLogger(__name__)
ABANDONED_S = 60.0  # a sound file that did not grow for so long has no writer any more
CLOCK_STEP_S = 1.0  # two changes of a folder so close to each other may carry the same time
LOOK_AT_ALL_S = 60.0  # a sidecar that somebody edited in place does not change its folder


def init_app(app: Flask, config: Config) -> None:
    app.extensions["recordings"] = RecordingFolder(config.recordings, spare_bytes=config.low_water_mb * 2**20)
    app.extensions["recordings_seen"] = _Seen()


# --- Files to rows


@dataclass
class Ingested:
    """What a look at the folder did. `problems`: for the admin, one sentence each."""

    taken: set[str] = field(default_factory=set)  # ids
    problems: list[str] = field(default_factory=list)


class _Refused(Exception):
    """A sidecar cannot be taken over; nothing is guessed."""


@dataclass
class _Seen:
    """What this process knows of the folder already. It may be lost at any time: then everything is looked at once more."""

    folder: int = 0  # its changed_at at the last whole look
    looked_at: float = 0.0  # time.monotonic() then
    versions: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)  # to be looked at again though they do not change


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
    started_at = parse_rfc3339(manifest.started_at)
    if started_at is None:
        raise _Refused("It does not say when the recording began.")
    sound = folder().sound(recording_id)
    if sound is None:
        if manifest.samples:
            raise _Refused("There is no sound file beside it.")
        return False  # it begins just now
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
        if state != "live":  # see fresh
            recording.duration = (sound.samples or manifest.samples) / SAMPLE_RATE
            recording.size = sound.size
            recording.outline = waveform.reduced(folder().peaks(recording_id), waveform.OUTLINE_BARS)
    db.session.flush()
    if ready:
        announce("recording.ready", recording, announcement(recording))
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
    if manifest.state == "recovered" and stream_runs(manifest.stream_id):
        return "live"
    if manifest.state == "live" and not stream_runs(manifest.stream_id):
        idle_s = now().timestamp() - sound.modified_at
        return "recovered" if idle_s > ABANDONED_S else "live"
    return manifest.state
