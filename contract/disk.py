"""Measures the room on a disk, and writes files so that they are there as a whole or not at all. Standard library only."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TEMPORARY = ".part"
"""End of the name of a file that is being written; `.<8 hex digits>` stands before it."""


def existing_folder(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists: where it would be made."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.exists())


def free_bytes(folder: Path) -> int:
    """Return how much may still be written on the disk of a folder. Raises OSError if there is no such folder."""
    return shutil.disk_usage(folder).free


def total_bytes(folder: Path) -> int:
    """Return how much the disk of a folder holds. Raises OSError if there is no such folder."""
    return shutil.disk_usage(folder).total


@contextmanager
def replacing(path: Path, *, durable: bool, mode: int = 0o600, exclusive: bool = False) -> Iterator[Path]:
    """Give the block an empty file to write, which takes the place of `path` at its end, or vanishes if it fails.

    Every call has a file of its own, so that two programs may write the same `path` at once. Raises OSError.

    `durable`: wait until the disk has it, so that a power failure leaves either the old content or the new.
    `mode`: the permissions, less those that the umask takes. `exclusive`: raise FileExistsError if `path` exists at the end.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    try:
        yield temporary
        if durable:
            sync(temporary)
        if exclusive:
            os.link(temporary, path)
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync(path.parent)


def atomic_write(path: Path, data: bytes | IO[bytes], *, durable: bool, mode: int = 0o600, exclusive: bool = False) -> None:
    """Replace the content of `path` by `data`, which may be an open file; see `replacing`. Raises OSError."""
    with replacing(path, durable=durable, mode=mode, exclusive=exclusive) as temporary, temporary.open("wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            shutil.copyfileobj(data, file)
        file.flush()


def sync(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
