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
from collections.abc import Iterator
from pathlib import Path

from contract import disk
from contract.disk import atomic_write
from contract.fields import DocumentError
from contract.recording import RecordingManifest
from contract.recording_files import FILE_STEM, PEAKS, SIDECAR, SOUND, recording_file

LOW_WATER_BYTES = 200 * 2**20
"""Recording stops while the disk has less room: the database and the audio server need the rest."""


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
        """Close the file, and with it give the lock back."""
        os.close(self._descriptor)


class RecordingFolder:
    def __init__(self, path: Path, *, low_water_bytes: int = LOW_WATER_BYTES) -> None:
        self.path = path
        self.low_water_bytes = low_water_bytes

    def audio_path(self, stream_id: str) -> Path:
        """Raises ValueError for an id that cannot be a file name."""
        return self._path(stream_id, SOUND)

    def _path(self, stream_id: str, ending: str) -> Path:
        return recording_file(self.path, stream_id, ending, ids=FILE_STEM)

    def ids(self) -> Iterator[str]:
        """Return the ids of all recordings that have a sound file."""
        for path in sorted(self.path.glob(f"*.{SOUND}")):
            if FILE_STEM.fullmatch(path.stem):
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
        return DiskFile(os.open(self._path(stream_id, PEAKS), flags, 0o600))

    def has_peaks(self, stream_id: str) -> bool:
        return self._path(stream_id, PEAKS).exists()

    def write_peaks(self, stream_id: str, peaks: bytes) -> None:
        """Replaces them at once or not at all. Raises OSError."""
        atomic_write(self._path(stream_id, PEAKS), peaks, durable=False)
        if not self.audio_path(stream_id).exists():  # deleted meanwhile
            self._path(stream_id, PEAKS).unlink(missing_ok=True)

    def set_aside(self, stream_id: str) -> None:
        """Renames a sound file that cannot be read, so that the recording can start anew and nothing is deleted."""
        path = self.audio_path(stream_id)
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(aside)

    def remove(self, stream_id: str) -> None:
        """Sound, sidecar and drawing. The caller holds the lock."""
        self._path(stream_id, PEAKS).unlink(missing_ok=True)
        self._path(stream_id, SIDECAR).unlink(missing_ok=True)
        self.audio_path(stream_id).unlink(missing_ok=True)
        disk.sync(self.path)

    def read_manifest(self, stream_id: str) -> RecordingManifest | None:
        """None when there is none; raises DocumentError when it cannot be read."""
        try:
            text = self._path(stream_id, SIDECAR).read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return RecordingManifest.from_json(text)

    def is_closed(self, stream_id: str) -> bool:
        """Nobody will write this recording any more."""
        try:
            manifest = self.read_manifest(stream_id)
        except (DocumentError, OSError):
            return False
        return manifest is not None and manifest.state != "live"

    def begin_manifest(self, manifest: RecordingManifest) -> None:
        """The first sidecar of a recording, without waiting for the disk; nothing happens when there is one."""
        path = self._path(manifest.stream_id, SIDECAR)
        if not path.exists():
            atomic_write(path, manifest.to_json().encode(), durable=False)

    def write_manifest(self, manifest: RecordingManifest) -> None:
        """Replaces the sidecar at once or not at all, and waits for the disk. Raises OSError."""
        atomic_write(self._path(manifest.stream_id, SIDECAR), manifest.to_json().encode(), durable=True)

    def check_room(self) -> None:
        """Raises OSError (ENOSPC) below the low-water mark."""
        if disk.free_bytes(self.path) < self.low_water_bytes:
            raise OSError(errno.ENOSPC, f"less than {self.low_water_bytes >> 20} MiB are free")
