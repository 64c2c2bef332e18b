"""Where the agent keeps recordings: `<stream_id>.flac`, its sidecar `<stream_id>.json` and its drawing `<stream_id>.peaks` in one
local folder.

The only module of the agent that names files. Another place (an object store, say) would be another class with these
methods.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path

from contract.fields import ContractError
from contract.recording import RecordingManifest

LOW_WATER_BYTES = 200 * 2**20
"""Recording stops while the disk has less room: the database and the audio server need the rest."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RecordingBusy(OSError):
    """Another process writes this recording."""


class DiskFile:
    """An open file with the few operations a recording needs; every error is an OSError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write_at(self, data: bytes, offset: int) -> None:
        """Writes all of `data` or raises; a part of it may stand in the file then."""
        left = memoryview(data)
        while left:
            written = self._write_some(left, offset)
            if written == 0:
                raise OSError(errno.EIO, "the disk takes no more bytes")
            left, offset = left[written:], offset + written

    def _write_some(self, data: memoryview, offset: int) -> int:
        return os.pwrite(self._descriptor, data, offset)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    def map(self) -> mmap.mmap:
        """The content for reading. The file must not be empty, nor be cut while it is mapped."""
        return mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Also gives the lock back."""
        os.close(self._descriptor)


class RecordingFolder:
    def __init__(self, path: Path, *, low_water_bytes: int = LOW_WATER_BYTES) -> None:
        self.path = path
        self.low_water_bytes = low_water_bytes

    def audio_path(self, stream_id: str) -> Path:
        return self._path(stream_id, "flac")

    def _path(self, stream_id: str, ending: str) -> Path:
        if not _ID.fullmatch(stream_id):
            raise ValueError(f"stream id {stream_id!r} cannot be a file name")
        return self.path / f"{stream_id}.{ending}"

    def ids(self) -> Iterator[str]:
        """Of all recordings that have a sound file."""
        for path in sorted(self.path.glob("*.flac")):
            if _ID.fullmatch(path.stem):
                yield path.stem

    def open_audio(self, stream_id: str, *, create: bool = False) -> DiskFile:
        """The sound file, locked for this process. Raises RecordingBusy or another OSError."""
        if create:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        descriptor = os.open(self.audio_path(stream_id), flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), os.stat(self.audio_path(stream_id), follow_symlinks=False)):
                raise BlockingIOError(errno.EBUSY, "the file was removed or renamed meanwhile")
        except BlockingIOError as error:
            os.close(descriptor)
            raise RecordingBusy(errno.EBUSY, "another process writes this recording") from error
        except OSError:
            os.close(descriptor)
            raise
        return DiskFile(descriptor)

    def open_peaks(self, stream_id: str) -> DiskFile:
        """The drawing of a recording, for who has its sound file open. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return DiskFile(os.open(self._path(stream_id, "peaks"), flags, 0o600))

    def has_peaks(self, stream_id: str) -> bool:
        return self._path(stream_id, "peaks").exists()

    def write_peaks(self, stream_id: str, peaks: bytes) -> None:
        """Replaces them at once or not at all. Raises OSError."""
        temporary = self._path(stream_id, "peaks.new")
        temporary.write_bytes(peaks)
        temporary.replace(self._path(stream_id, "peaks"))
        if not self.audio_path(stream_id).exists():  # deleted meanwhile
            self._path(stream_id, "peaks").unlink(missing_ok=True)

    def set_aside(self, stream_id: str) -> None:
        """Renames a sound file that cannot be read, so that the recording can start anew and nothing is deleted."""
        path = self.audio_path(stream_id)
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(aside)

    def remove(self, stream_id: str) -> None:
        """Sound, sidecar and drawing. The caller holds the lock."""
        self._path(stream_id, "peaks").unlink(missing_ok=True)
        self._path(stream_id, "json").unlink(missing_ok=True)
        self.audio_path(stream_id).unlink(missing_ok=True)
        self._sync_folder()

    def read_manifest(self, stream_id: str) -> RecordingManifest | None:
        """None when there is none; raises ContractError when it cannot be read."""
        try:
            text = self._path(stream_id, "json").read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return RecordingManifest.from_json(text)

    def is_closed(self, stream_id: str) -> bool:
        """Nobody will write this recording any more."""
        try:
            manifest = self.read_manifest(stream_id)
        except (ContractError, OSError):
            return False
        return manifest is not None and manifest.state != "live"

    def begin_manifest(self, manifest: RecordingManifest) -> None:
        """The first sidecar of a recording, without waiting for the disk; nothing happens when there is one."""
        path = self._path(manifest.stream_id, "json")
        if not path.exists():
            temporary = path.with_suffix(".json.first")
            temporary.write_text(manifest.to_json(), "utf-8")
            temporary.replace(path)

    def write_manifest(self, manifest: RecordingManifest) -> None:
        """Replaces the sidecar at once or not at all: temporary file, fsync, rename, fsync of the folder."""
        path = self._path(manifest.stream_id, "json")
        temporary = path.with_suffix(".json.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            file = DiskFile(descriptor)
            file.write_at(manifest.to_json().encode(), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        self._sync_folder()

    def check_room(self) -> None:
        """Raises OSError (ENOSPC) below the low-water mark."""
        disk = os.statvfs(self.path)
        if disk.f_bavail * disk.f_frsize < self.low_water_bytes:
            raise OSError(errno.ENOSPC, f"less than {self.low_water_bytes >> 20} MiB are free")

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
