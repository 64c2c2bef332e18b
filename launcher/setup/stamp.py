"""A stamp says from which inputs something was installed, so that the next start need not ask again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(inputs: Iterable[Path | str]) -> str:
    """SHA-256 over the contents of files and over plain strings, in this order."""
    digest = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


class Stamp:
    def __init__(self, path: Path) -> None:
        self._path = path

    def matches(self, wanted: str) -> bool:
        """Whether `wanted` is one of the fingerprints that were set last."""
        try:
            return wanted in self._path.read_text().split()
        except OSError:
            return False

    def set(self, *fingerprints: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join(fingerprints) + "\n")

    def clear(self) -> None:
        """To be called before the installation: one that breaks off half-way must not look whole."""
        self._path.unlink(missing_ok=True)
