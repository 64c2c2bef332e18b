"""Names the files of a recording, `<id>.<ending>` in one folder: the agent writes some of them and the web app the others."""

from __future__ import annotations

import re
from pathlib import Path

from contract.disk import TEMPORARY

RECORDING_ID = re.compile(r"[0-9a-f]{32}")
"""The id of a stream, which is also that of its recording."""
FILE_STEM = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a copy that somebody repairs by hand may be called as well."""

SOUND = "flac"
SIDECAR = "json"
PEAKS = "peaks"  # how loud each PEAK_SAMPLES are
AUDIENCE = "audience.json"  # who may hear it
CHAT = "chat.json"  # what was said meanwhile
OPUS = "opus"  # can be made again from the sound
ENDINGS = (SOUND, OPUS, PEAKS, SIDECAR, AUDIENCE, CHAT)


def recording_file(folder: Path, recording_id: str, ending: str, *, ids: re.Pattern[str] = RECORDING_ID) -> Path:
    """Return the path of a file. Raises ValueError for an id that could name a file elsewhere."""
    if not ids.fullmatch(recording_id):
        raise ValueError(f"recording id {recording_id!r} cannot be a file name")
    return folder / f"{recording_id}.{ending}"


def remove_files(folder: Path, recording_id: str) -> None:
    """Remove everything that belongs to a recording, and what an interrupted program has left of it. Raises OSError."""
    for ending in ENDINGS:
        recording_file(folder, recording_id, ending).unlink(missing_ok=True)
    for left in folder.glob(f"{recording_id}.*{TEMPORARY}"):
        left.unlink(missing_ok=True)
