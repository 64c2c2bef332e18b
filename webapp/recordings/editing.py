"""Does what the owner wants done with a recording: rename, share, delete, restore."""

from __future__ import annotations

import logging
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from contract.fields import DocumentError
from webapp.core.database import db
from webapp.core.errors import Conflict, NotFound
from webapp.core.text import validate_title
from webapp.events import outbox
from webapp.models import Event, Recording, Stream, User, now
from webapp.recordings import sharing
from webapp.recordings.announcements import announce_ready, announce_removed
from webapp.recordings.queries import UNDO, clips_of, folder, is_recorded, own_recording
from webapp.recordings.sharing import Audience
from webapp.streams import broadcaster

log = logging.getLogger(__name__)


UNDO_SPARE = timedelta(seconds=2)  # the button is shown for UNDO; a press at its end still has to arrive


# --- The owner's acts


def rename(owner: User, recording_id: str, title: str) -> Recording:
    """Give a recording another title. Raises NotFound or Invalid.

    While it is being recorded the stream gets the title, and the noise remover writes it into the sidecar.
    """
    recording = own_recording(owner, recording_id)
    title = validate_title(title)
    if is_recorded(recording):
        broadcaster.set_title(owner, title)
    else:
        _rename_sidecar(recording.id, title)
    recording.title = title
    outbox.rewrite(Event.about == recording.id, title=title)
    if (stream := db.session.get(Stream, recording.id)) is not None:
        stream.title = title
    db.session.commit()
    return recording


def _rename_sidecar(recording_id: str, title: str) -> None:
    try:
        folder().write_manifest(folder().manifest(recording_id).with_(title=title))
    except (DocumentError, OSError) as error:
        log.exception("a recording was not renamed", extra={"recording": recording_id})
        raise Conflict(_("The recording could not be renamed; it is safe. The server's admin can see why in its log.")) from error


def share(owner: User, recording_id: str, kind: str, usernames: list[str]) -> Recording:
    """Choose who may hear a recording. `kind`: one of AUDIENCES. Raises NotFound or Invalid.

    Friends who may not hear it any more are told that it is gone.
    """
    recording = own_recording(owner, recording_id)
    audience = sharing.wanted(owner, kind, usernames)
    _write_audience(recording.id, audience)
    before = sharing.hearers(recording)
    sharing.set_audience(recording, audience, now())
    db.session.flush()
    after = sharing.hearers(recording)
    announce_removed(recording, before - after)
    announce_ready(recording, after - before)
    db.session.commit()
    return recording


def _write_audience(recording_id: str, audience: Audience) -> None:
    try:
        folder().write_audience(recording_id, audience.to_json())
    except OSError as error:
        log.exception("who may hear a recording was not changed", extra={"recording": recording_id})
        raise Conflict(
            _("Not saved: the same people can hear it as before. The server's admin can see why in its log.")
        ) from error


def forget_listener(person: User) -> None:
    """Take somebody whose account is deleted out of the notes of who may hear a recording. Raises Conflict."""
    for recording_id in folder().audiences():
        try:
            audience = Audience.from_json(folder().audience(recording_id) or "")
        except (DocumentError, OSError):
            continue  # it opens the recording to nobody
        if audience.without(person) != audience:
            _write_audience(recording_id, audience.without(person))


def delete(owner: User, recording_id: str) -> None:
    """Take a recording and its clips out of all lists. `restore` brings them back for UNDO.

    Raises NotFound, or Conflict while it is being recorded.
    """
    recording = own_recording(owner, recording_id)
    if is_recorded(recording):
        raise Conflict(_("This stream is still being recorded. Stop Streaming first, then delete the recording."))
    moment = now()
    for one in (recording, *clips_of(recording)):
        one.deleted_at = moment
        announce_removed(one)
    db.session.commit()


def restore(owner: User, recording_id: str) -> Recording:
    """Bring a deleted recording back, with its clips. Raises NotFound when the time for Undo is over."""
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
        announce_ready(one)
    db.session.commit()
    return recording
