"""Keeps avatars: `<id>.webp` in the folder `avatars` of the data folder.

Another place would be another class with these methods.
"""

from __future__ import annotations

import re
from pathlib import Path

from contract.disk import atomic_write

ID = re.compile(r"[0-9a-f]{32}")


class AvatarFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, avatar_id: str) -> Path:
        if not ID.fullmatch(avatar_id):
            raise ValueError(f"{avatar_id!r} is no avatar's id")
        return self._path / f"{avatar_id}.webp"

    def add(self, avatar_id: str, picture: bytes) -> None:
        """Keep a new avatar, as a whole or not at all. Raises OSError."""
        self._path.mkdir(mode=0o700, exist_ok=True)
        atomic_write(self._file(avatar_id), picture, durable=True)

    def read(self, avatar_id: str) -> bytes | None:
        """Return the picture, or None when there is none."""
        try:
            return self._file(avatar_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, avatar_id: str) -> None:
        self._file(avatar_id).unlink(missing_ok=True)
