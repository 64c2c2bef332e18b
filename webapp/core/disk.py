"""Tells how much space is free on the disk that holds the recordings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def has_room(folder: Path, least_mb: int) -> bool:
    """Return whether recordings can be written. The folder itself is made with the first one."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return there is not None and os.access(there, os.W_OK) and shutil.disk_usage(there).free >= least_mb * 2**20


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes are free; None when nothing can be written there.

    The folder itself is made with the first recording.
    """
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return shutil.disk_usage(there).free if os.access(there, os.W_OK) else None
    except (StopIteration, OSError):
        return None
