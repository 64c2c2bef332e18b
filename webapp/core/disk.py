"""Tells how much room the disk of the recordings has; their folder is made with the first one."""

from __future__ import annotations

import os
from pathlib import Path

from contract import disk


def free_bytes(folder: Path) -> int | None:
    """Return how much may still be written there, or None if nothing can be."""
    try:
        there = disk.existing_folder(folder)
        return disk.free_bytes(there) if os.access(there, os.W_OK) else None
    except OSError:
        return None


def has_room(folder: Path, min_mb: int) -> bool:
    """Return whether so many MiB can be written there."""
    free = free_bytes(folder)
    return free is not None and free >= min_mb * 2**20
