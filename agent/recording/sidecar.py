"""The sidecar of a recording that is being written: what happened to it, and when that is put on the disk."""

from __future__ import annotations

import logging
from dataclasses import replace

from agent.recording.files import RecordingFolder
from agent.recording.flac_file import Repaired
from agent.recording.timeline import Timeline, boot_id
from contract.fields import DocumentError
from contract.recording import SAMPLE_RATE, RecordingManifest, Span

log = logging.getLogger(__name__)


class Sidecar:
    """Keeps the manifest of one recording. Only the writer's thread changes it; `save` may be called on another thread."""

    def __init__(self, storage: RecordingFolder, manifest: RecordingManifest) -> None:
        """`manifest`: of a new recording, without sound."""
        self._storage = storage
        self._manifest = manifest
        self._has_begun = False  # before the first sample there is nothing to save
        self._pause: Span | None = None  # the one that is open
        self._is_truncated = False  # sound was lost to damage before
        self._unsaved = False

    @property
    def stream_id(self) -> str:
        return self._manifest.stream_id

    @property
    def samples(self) -> int:
        """Length of the recording at the last change."""
        return self._manifest.samples

    @property
    def has_changes(self) -> bool:
        """Whether there is something to save."""
        return self._unsaved

    # Beginning

    def begin(self, timeline: Timeline) -> None:
        """Notes when the first sample was, and writes the first sidecar without waiting for the disk."""
        self._has_begun = True
        started_at = self._manifest.started_at or timeline.started_at
        self.note(0, boot_id=boot_id(), boot_time=timeline.origin, started_at=started_at)
        self._storage.begin_manifest(self._manifest)

    def resume(self, found: Repaired, timeline: Timeline) -> bool:
        """Continues the sidecar and the timeline of an earlier job. Returns False when it left no sound."""
        own = self._manifest
        try:
            before = self._storage.read_manifest(own.stream_id)
        except DocumentError:
            log.warning("a sidecar could not be read and is written anew", extra={"stream_id": own.stream_id})
            before = None
        samples = found.head.samples
        if samples == 0:
            return False
        if before is None:  # its start can only be guessed from now
            origin = timeline.resume_now(samples)
            before = replace(own, boot_id=boot_id(), boot_time=origin, started_at=own.started_at or timeline.started_at)
        elif before.boot_id == boot_id():
            timeline.resume_at(before.boot_time)
        else:
            before = replace(before, boot_id=boot_id(), boot_time=timeline.resume_since(before.started_at))
        self._is_truncated = before.state == "truncated" or found.lost_samples > 0
        before = close_open_pause(replace(before, samples=samples))
        self._manifest = replace(before, state="live", title=own.title)
        self._has_begun = self._unsaved = True
        return True

    # Changes. `position`: length of the recording in samples.

    def note(self, position: int, **changes: object) -> None:
        self._change(self._manifest.with_(samples=position, **changes))

    def add_gap(self, position: int, length: int, cause: str) -> None:
        """`length`: in samples."""
        gap = Span(position / SAMPLE_RATE, length / SAMPLE_RATE, cause)
        self.note(position, gaps=(*self._manifest.gaps, gap))

    def begin_pause(self, position: int, cause: str) -> None:
        self.end_pause(position)
        self._pause = Span(position / SAMPLE_RATE, 0.0, cause)
        self.note(position, paused=(*self._manifest.paused, self._pause))

    def end_pause(self, position: int) -> None:
        """Does nothing when none is open."""
        if self._pause:
            self._pause = None
            self._change(close_open_pause(self._manifest.with_(samples=position)))

    def _change(self, manifest: RecordingManifest) -> None:
        self._manifest = manifest
        self._unsaved = self._unsaved or self._has_begun

    # Saving

    def save(self) -> None:
        """Puts the changes on the disk. Raises OSError, and saves them next time then."""
        if self._unsaved:
            self._unsaved = False  # before the manifest is read: a change from now on is saved next time
            try:
                self._storage.write_manifest(self._manifest)
            except OSError:
                self._unsaved = True
                raise

    def end(self, position: int, *, finished: bool) -> None:
        """Saves the last state; of a recording without sound nothing is left. Nobody else may be saving. Raises OSError."""
        state = "live" if not finished else "truncated" if self._is_truncated else "closed"
        self._manifest = replace(self._manifest, state=state, samples=position)
        if position:
            self._storage.write_manifest(self._manifest)
        else:
            self._storage.remove(self._manifest.stream_id)
        self._unsaved = False


def close_open_pause(manifest: RecordingManifest) -> RecordingManifest:
    """Gives a span without noise removal that was left open, with length 0, the length up to the last sample."""
    if not manifest.paused or manifest.paused[-1].length:
        return manifest
    *before, last = manifest.paused
    length = max(0.0, manifest.duration - last.start)
    return replace(manifest, paused=(*before, *([replace(last, length=length)] if length else [])))
