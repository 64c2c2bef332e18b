"""Takes recordings over from the sidecars that the noise remover writes.

The files are the truth and a row is a cache of its sidecar: `ingest` makes and renews rows, as often as one likes, and all of
them can be made again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime

from flask import Flask, current_app

from contract.fields import DocumentError
from contract.recording import SAMPLE_RATE, RecordingManifest
from webapp.accounts import accounts
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.text import TITLE_LENGTH, clean, is_visible
from webapp.models import DiscardedRecording, Recording, Stream, User, now, parse_rfc3339
from webapp.recordings import sharing, waveform
from webapp.recordings.announcements import announce_ready
from webapp.recordings.files import RecordingFiles
from webapp.recordings.queries import folder, stream_runs
from webapp.recordings.sharing import Audience
from webapp.recordings.sound import Sound

log = logging.getLogger(__name__)
ABANDONED_S = 60.0  # a sound file that did not grow for so long has no writer any more
CLOCK_STEP_S = 1.0  # two changes of a folder so close to each other may carry the same time
LOOK_AT_ALL_S = 60.0  # a sidecar that somebody edited in place does not change its folder


def init_app(app: Flask, config: Config) -> None:
    app.extensions["recordings"] = RecordingFiles(config.recordings, spare_bytes=config.low_water_mb * 2**20)
    app.extensions["recordings_seen"] = _Seen()


@dataclass
class Ingested:
    """What a look at the folder did. `problems`: for the admin, one sentence each."""

    taken: set[str] = field(default_factory=set)  # ids
    problems: list[str] = field(default_factory=list)


@dataclass
class _Seen:
    """What this process knows of the folder already. It may be lost at any time: then everything is looked at once more."""

    folder: int = 0  # its changed_at at the last whole look
    looked_at: float = 0.0  # time.monotonic() then
    versions: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)  # to be looked at again though they do not change


def ingest() -> Ingested:
    """Bring the rows up to what the sidecars say, those that were written since the last call in this process."""
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


def rebuild() -> Ingested:
    """Make all rows from all files, for a database that was lost. A file without its other half is reported."""
    current_app.extensions["recordings_seen"] = _Seen()
    done = ingest()
    known = {sidecar.id for sidecar in folder().sidecars()}
    alone = [name for name in folder().sounds() if name not in known]
    done.problems += [f"{name}.flac: It has no sidecar, so nobody knows whose it is." for name in alone]
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


def _take_over(recording_id: str) -> bool:
    """Make or renew a row. False when its files must be looked at again though the sidecar does not change. Raises _Refused."""
    if db.session.get(DiscardedRecording, recording_id) is not None:
        return True
    found = _read_files(recording_id)
    if found is None:
        return False
    recording = db.session.get(Recording, recording_id) or _new_row(recording_id, found.owner)
    if recording.deleted_at is not None:
        return True
    is_ready = found.state != "live" and recording.state == "live"
    _fill(recording, found)
    db.session.flush()
    if is_ready:
        announce_ready(recording)
    db.session.commit()
    return found.state == found.manifest.state != "live"


# --- What the files say


class _Refused(Exception):
    """A sidecar cannot be taken over; nothing is guessed."""


@dataclass(frozen=True)
class _Files:
    """What the sidecar and the sound file of a recording say at this moment."""

    manifest: RecordingManifest
    owner: User
    started_at: datetime
    state: str  # contract.recording.MANIFEST_STATES
    samples: int  # of the sound file; 0 when its head says none
    size: int  # bytes


def _read_files(recording_id: str) -> _Files | None:
    """Return None for a recording that has just begun: its sidecar is there and its sound is not. Raises _Refused."""
    manifest = _read_sidecar(recording_id)
    owner = _owner_of(manifest)
    if owner is None:
        raise _Refused("No account here has its owner's name. Make it, then rebuild the list.")
    started_at = parse_rfc3339(manifest.started_at)
    if started_at is None:
        raise _Refused("It does not say when the recording began.")
    sound = folder().sound(recording_id)
    if sound is None:
        if manifest.samples:
            raise _Refused("There is no sound file beside it.")
        return None
    with sound:
        return _Files(manifest, owner, started_at, _state(manifest, sound), sound.samples, sound.size)


def _owner_of(manifest: RecordingManifest) -> User | None:
    """Return whose recording it is: as this database knows, and by the name only for a file that it does not know."""
    known = db.session.get(Recording, manifest.stream_id) or db.session.get(Stream, manifest.stream_id)
    return known.owner if known is not None else accounts.find(manifest.owner)


def _read_sidecar(recording_id: str) -> RecordingManifest:
    try:
        manifest = folder().manifest(recording_id)
    except DocumentError as error:
        raise _Refused(f"It cannot be read: {error}.") from error
    except OSError as error:
        raise _Refused(f"It cannot be opened: {error.strerror}.") from error
    if manifest.stream_id != recording_id:
        raise _Refused("It belongs to another recording.")
    return manifest


def _state(manifest: RecordingManifest, sound: Sound) -> str:
    """Return the sidecar's state, corrected where a noise remover died before it could write the last one.

    While the stream runs, another noise remover goes on with a recovered recording. When the stream is over and the file has
    stopped growing, nobody will ever say that the recording is complete.
    """
    if manifest.state == "recovered" and stream_runs(manifest.stream_id):
        return "live"
    if manifest.state == "live" and not stream_runs(manifest.stream_id):
        idle_s = now().timestamp() - sound.modified_at
        return "recovered" if idle_s > ABANDONED_S else "live"
    return manifest.state


# --- The row


def _new_row(recording_id: str, owner: User) -> Recording:
    """Make a row with the owner's default audience.

    Anything but "friends" is also written to `<id>.audience.json`, because the sidecar does not hold it.
    """
    if owner.audience != sharing.FRIENDS and folder().audience(recording_id) is None:
        folder().write_audience(recording_id, Audience(owner.audience).to_json())
    return Recording(id=recording_id, state="live", duration=0.0, size=0, audience=owner.audience)


def _fill(recording: Recording, found: _Files) -> None:
    """Add the row to the session, with everything that its files say."""
    manifest = found.manifest
    recording.owner = found.owner
    recording.title = _title(manifest, found.owner)
    recording.started_at = found.started_at
    recording.state = found.state
    db.session.add(recording)
    sharing.set_audience(recording, *_audience(recording))
    recording.clip_of = manifest.clip_of
    recording.gaps = [asdict(span) for span in manifest.gaps]
    recording.paused = [asdict(span) for span in manifest.paused]
    if found.state != "live":  # until then queries.fresh tells length and size
        recording.duration = (found.samples or manifest.samples) / SAMPLE_RATE
        recording.size = found.size
        recording.outline = waveform.reduced(folder().peaks(recording.id), waveform.OUTLINE_BARS)


def _title(manifest: RecordingManifest, owner: User) -> str:
    title = clean(manifest.title)[:TITLE_LENGTH]
    return title if is_visible(title) else f"{owner.display_name} on air"


def _audience(recording: Recording) -> tuple[Audience, datetime]:
    """Return the audience in `<id>.audience.json` and when it was written.

    Without that file it is the row's, and nobody if it cannot be read.
    """
    try:
        note = folder().audience(recording.id)
        if note is None:
            return sharing.audience_of(recording), now()
        return Audience.from_json(note), folder().audience_written_at(recording.id)
    except (DocumentError, OSError):
        log.exception("nobody but its owner may hear a recording now", extra={"recording": recording.id})
        return Audience(sharing.NOBODY), now()
