"""Checks the room on a disk before anything is written."""

from __future__ import annotations

from pathlib import Path

from contract.disk import existing_folder, free_bytes
from launcher.problem import Problem

INSTALL_BYTES = 1_500_000_000
"""For the Python packages (0.6 GB), the JavaScript libraries, the audio server, and uv's cache."""
BUILD_BYTES = 3_000_000_000
"""For Go and its caches, if the audio server must be built from its source."""
TEST_INSTALL_BYTES = 9_000_000_000
"""For PyTorch and what comes with it, besides the above."""
RUN_BYTES = 500_000_000
"""For two hours of recordings and a margin. /healthz calls less than 256 MiB a full disk."""


def check(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Raise Problem if the disk of `folder`, which need not exist yet, has less room."""
    free = free_bytes(existing_folder(folder))
    if free < needed_bytes:
        raise Problem(
            f"The disk of {folder} is full: {_megabytes(free)} are free, and {purpose} needs {_megabytes(needed_bytes)}.",
            "make room, or choose a folder on another disk with --data." if needed_bytes == RUN_BYTES else "make room.",
        )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
