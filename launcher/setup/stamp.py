"""Notes from which inputs something was installed, so that the next start need not look again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(inputs: Iterable[Path | str]) -> str:
    """Return the SHA-256 of the contents of files and of plain strings, in this order."""
    digest = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


class Stamp:
    def __init__(self, path: Path) -> None:
        self._path = path

    def matches(self, wanted: str) -> bool:
        """Return whether `wanted` is one of the fingerprints that were set last."""
        try:
            return wanted in self._path.read_text().split()
        except OSError:
            return False

    def set(self, *fingerprints: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join(fingerprints) + "\n")

    def clear(self) -> None:
        """Remove the stamp. Call this before an installation: one that is interrupted must not look complete."""
        self._path.unlink(missing_ok=True)
