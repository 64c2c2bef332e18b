"""Keeps avatars: `<id>.webp` in the folder `avatars` of the data folder.

Another place would be another class with these methods.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ID = re.compile(r"[0-9a-f]{32}")


class AvatarFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, avatar_id: str) -> Path:
        if not ID.fullmatch(avatar_id):
            raise ValueError(f"{avatar_id!r} is no avatar's id")
        return self._path / f"{avatar_id}.webp"

    def add(self, avatar_id: str, picture: bytes) -> None:
        """Write a picture. An id is used once and known only afterwards, so nobody reads half a file. Raises OSError."""
        self._path.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._file(avatar_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(picture)
            file.flush()
            os.fsync(file.fileno())

    def read(self, avatar_id: str) -> bytes | None:
        """Return the picture, or None when there is none."""
        try:
            return self._file(avatar_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, avatar_id: str) -> None:
        self._file(avatar_id).unlink(missing_ok=True)
