"""Deletes recordings whose time is over, and finds files that belong to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy import delete as delete_rows

from webapp.accounts import quotas
from webapp.core.database import affected_rows, db
from webapp.models import RUNNING, DiscardedRecording, Recording, Stream, User, now
from webapp.recordings.announcements import announce_removed
from webapp.recordings.editing import UNDO_SPARE
from webapp.recordings.ingest import ingest
from webapp.recordings.queries import UNDO, clips_of, folder

DISCARDED_AGAIN = timedelta(minutes=5)  # a noise remover that was still writing has brought its last words to disk by then


@dataclass(frozen=True)
class OrphanFiles:
    """The ids of files without their other half."""

    without_sidecar: list[str]  # nobody knows whose sound it is
    without_sound: list[str]


def orphan_files() -> OrphanFiles:
    """Return files without their other half, except for recordings that begin, go on or are being deleted now."""
    running = set(db.session.scalars(select(Stream.id).where(or_(RUNNING, Stream.ended_at > now() - UNDO))))
    going = set(db.session.scalars(select(Recording.id).where(Recording.deleted_at.is_not(None))))
    sounds, sidecars = set(folder().sounds()), {sidecar.id for sidecar in folder().sidecars()}
    return OrphanFiles(sorted(sounds - sidecars - running - going), sorted(sidecars - sounds - running - going))


# --- Deletion


def purge() -> int:
    """Delete for good what was deleted and not restored. Return how many recordings that were."""
    return _delete_for_good(select(Recording.id).where(Recording.deleted_at < now() - UNDO - 2 * UNDO_SPARE))


def expire() -> int:
    """Delete what is older than the server or its owner keeps it. Return how many recordings that were."""
    old = (
        select(Recording)
        .join(Recording.owner)
        .where(
            quotas.is_too_old(),
            Recording.state != "live",
            Recording.deleted_at.is_(None),
        )
    )
    for recording in db.session.scalars(old).all():
        for one in (recording, *clips_of(recording)):
            announce_removed(one)
            one.deleted_at = now() - UNDO - 2 * UNDO_SPARE
    db.session.commit()
    return purge()


def _delete_for_good(ids: Select[str]) -> int:
    """Lock a row, delete its files, then the row: after a crash in between, the next call does it again."""
    count = 0
    for recording_id in list(db.session.scalars(ids)):
        row = delete_rows(Recording).where(Recording.id == recording_id, Recording.deleted_at.is_not(None))
        if affected_rows(row):  # 0: restored at this very moment
            folder().delete(recording_id)
            count += 1
        db.session.commit()
    return count


def discard_all_of(owner: User) -> None:
    """Mark all recordings of an account that is being deleted, in its transaction; `delete_discarded` deletes the files.

    It includes streams whose recording has not been taken over yet: whoever gets the name next must not find them.
    """
    ids = {*db.session.scalars(select(Recording.id).where(Recording.owner_id == owner.id))}
    ids |= {*db.session.scalars(select(Stream.id).where(Stream.owner_id == owner.id))}
    db.session.add_all(DiscardedRecording(id=recording_id) for recording_id in ids)


def delete_discarded() -> None:
    """Delete the files of discarded recordings, at once and once more later."""
    due = select(DiscardedRecording).where(DiscardedRecording.due_at <= now())
    for discarded in db.session.scalars(due).all():
        folder().delete(discarded.id)
        if discarded.due_at < discarded.at + DISCARDED_AGAIN:
            discarded.due_at = discarded.at + DISCARDED_AGAIN
        else:
            db.session.delete(discarded)
        db.session.commit()


def maintain() -> None:
    """Do what cannot wait, as the reconciler does every second; it calls `expire` once a minute."""
    ingest()
    purge()
    delete_discarded()
