"""Where the web app finds recordings: `<id>.flac` and the sidecar `<id>.json` that the noise remover leaves in one local folder.
Beside them it keeps files of its own, which nobody else writes: `<id>.audience.json`, who may hear the recording,
`<id>.chat.json`, what was said meanwhile, and `<id>.opus`, which can be made again.

The only module of the web app that assumes a shared disk. Another place (an object store, say) would be another class with
these methods.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

from contract import disk
from contract.disk import TEMPORARY, atomic_write
from contract.recording import RecordingManifest
from contract.recording_files import AUDIENCE, CHAT, OPUS, PEAKS, RECORDING_ID, SIDECAR, SOUND, recording_file, remove_files
from webapp.recordings.sound import Sound

SCRATCH_IN_MEMORY_BYTES = 16 * 10**6
OPUS_ROOM_BYTES = 500 * 10**6
"""An Opus file is kept where so much is free besides: more than a day of sound."""


@dataclass(frozen=True)
class Sidecar:
    """A sidecar that is there; `version` changes whenever it is written."""

    id: str
    version: tuple[int, int, int]  # modification time in ns, size, inode


class OpusDraft:
    """An Opus file that is being made. It is decoration: a disk that takes no more only means that it is not kept."""

    def __init__(self, path: Path, *, room: bool) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        if not room:
            return
        with suppress(OSError):
            # A name of its own, and none once it is kept or thrown away: two processes may make the same at once.
            self._file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=TEMPORARY, delete=False)  # noqa: SIM115

    def write(self, data: bytes) -> None:
        if self._file:
            try:
                self._file.write(data)
            except OSError:
                self.close()

    def keep(self) -> None:
        if self._file:
            with suppress(OSError):
                self._file.flush()
                Path(self._file.name).replace(self._path)
                if not self._path.with_suffix(".flac").exists():  # deleted meanwhile, and this with it
                    self._path.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        if self._file:
            with suppress(OSError):
                self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None


class RecordingFiles:
    def __init__(self, path: Path, *, spare_bytes: int = 0) -> None:
        """`spare_bytes`: of the disk, which clips and Opus files leave to live recordings, the database and the system."""
        self.path = path
        self.spare_bytes = spare_bytes

    def _path(self, recording_id: str, ending: str) -> Path:
        return recording_file(self.path, recording_id, ending)

    def changed_at(self) -> int:
        """When a file was last added, replaced or removed here; ns since the epoch, 0 when nothing was ever recorded."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def sidecars(self) -> Iterator[Sidecar]:
        for recording_id, found in self._entries(f".{SIDECAR}"):
            yield Sidecar(recording_id, (found.st_mtime_ns, found.st_size, found.st_ino))

    def sounds(self) -> Iterator[str]:
        """Ids of all sound files that are not empty."""
        return (recording_id for recording_id, found in self._entries(f".{SOUND}") if found.st_size)

    def _entries(self, ending: str) -> Iterator[tuple[str, os.stat_result]]:
        try:
            entries = list(os.scandir(self.path))
        except FileNotFoundError:  # nothing was ever recorded
            return
        for entry in entries:
            recording_id = entry.name.removesuffix(ending)
            if recording_id != entry.name and RECORDING_ID.fullmatch(recording_id) and entry.is_file(follow_symlinks=False):
                yield recording_id, entry.stat(follow_symlinks=False)

    def manifest(self, recording_id: str) -> RecordingManifest:
        """Raises DocumentError for half a sidecar, OSError when there is none."""
        with open(self._open(recording_id, SIDECAR), encoding="utf-8", errors="replace") as file:
            return RecordingManifest.from_json(file.read())

    def scratch(self) -> IO[bytes]:
        """Return a place for a recording that is being made. A long one waits on this disk, in a file without a name."""
        return tempfile.SpooledTemporaryFile(SCRATCH_IN_MEMORY_BYTES, dir=str(self.path))

    def add(self, manifest: RecordingManifest, sound: IO[bytes], peaks: bytes, audience: str) -> None:
        """A whole recording; its sidecar comes last, and without one nobody knows of the others. Raises OSError."""
        recording_id = manifest.stream_id
        if not self._has_room(sound.seek(0, os.SEEK_END)):
            raise OSError(errno.ENOSPC, "too little room is left")
        try:
            sound.seek(0)
            self._replace(recording_id, SOUND, sound)
            self._replace(recording_id, PEAKS, peaks)
            self._replace(recording_id, AUDIENCE, audience.encode())
            self._replace(recording_id, SIDECAR, manifest.to_json().encode())
        except OSError:
            self.delete(recording_id)
            raise

    def write_manifest(self, manifest: RecordingManifest) -> None:
        """Replaces the sidecar at once or not at all. Raises OSError."""
        self._replace(manifest.stream_id, SIDECAR, manifest.to_json().encode())

    def audience(self, recording_id: str) -> str | None:
        """The note of who may hear it; None when there is none. Raises OSError."""
        return self._text(recording_id, AUDIENCE)

    def audience_written_at(self, recording_id: str) -> datetime:
        """Raises OSError."""
        return datetime.fromtimestamp(self._path(recording_id, AUDIENCE).stat().st_mtime, UTC)

    def audiences(self) -> list[str]:
        """Ids of all recordings with such a note."""
        return [recording_id for recording_id, _ in self._entries(f".{AUDIENCE}")]

    def write_audience(self, recording_id: str, note: str) -> None:
        """Raises OSError."""
        self._replace(recording_id, AUDIENCE, note.encode())

    def chats(self) -> list[str]:
        """Ids of all recordings with one."""
        return [recording_id for recording_id, _ in self._entries(f".{CHAT}")]

    def has_chat(self, recording_id: str) -> bool:
        return self._path(recording_id, CHAT).is_file()

    def chat(self, recording_id: str) -> str | None:
        """What was said meanwhile; None when nothing was. Raises OSError."""
        return self._text(recording_id, CHAT)

    def write_chat(self, recording_id: str, record: str) -> None:
        """Raises OSError."""
        self._replace(recording_id, CHAT, record.encode())

    def _text(self, recording_id: str, ending: str) -> str | None:
        try:
            with open(self._open(recording_id, ending), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def _replace(self, recording_id: str, ending: str, content: bytes | IO[bytes]) -> None:
        atomic_write(self._path(recording_id, ending), content, durable=True)

    def sound(self, recording_id: str) -> Sound | None:
        """To be closed by the caller. None when there is no such file, or nothing in it yet."""
        try:
            sound = Sound(self._open(recording_id, SOUND))
        except OSError:
            return None
        if sound.size == 0:
            sound.close()
            return None
        return sound

    def peaks(self, recording_id: str) -> bytes:
        """Return how loud each PEAK_SAMPLES are, from 0 to 255; empty if the drawing is missing."""
        try:
            with open(self._open(recording_id, PEAKS), "rb") as file:
                return file.read()
        except OSError:
            return b""

    def opus(self, recording_id: str) -> BinaryIO | None:
        """Its Opus file, if one is kept. To be closed by the caller."""
        try:
            descriptor = self._open(recording_id, OPUS)
        except OSError:
            return None
        os.utime(descriptor)  # asked for now
        return open(descriptor, "rb")

    def begin_opus(self, recording_id: str) -> OpusDraft:
        return OpusDraft(self._path(recording_id, OPUS), room=self._has_room(OPUS_ROOM_BYTES))

    def trim_opus(self, most: int) -> None:
        """Keep at most so many bytes of all Opus files, namely those that were asked for last."""
        kept = sorted(self._entries(f".{OPUS}"), key=lambda entry: entry[1].st_mtime_ns, reverse=True)
        total = 0
        for recording_id, found in kept:
            total += found.st_size
            if total > most:
                self._path(recording_id, OPUS).unlink(missing_ok=True)

    def _open(self, recording_id: str, ending: str) -> int:
        """A descriptor of a regular file in this folder. Raises OSError for anything else."""
        descriptor = os.open(self._path(recording_id, ending), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError("not a regular file")
        return descriptor

    def delete(self, recording_id: str) -> None:
        """Removes everything that belongs to a recording; nothing happens when it is gone already. Raises OSError."""
        remove_files(self.path, recording_id)
        if self.path.is_dir():
            disk.sync(self.path)

    def _has_room(self, size: int) -> bool:
        return disk.free_bytes(self.path) - size >= self.spare_bytes
