"""Recordings as the noise remover leaves them, made by its own recorder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np

from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.flac_file import FlacFile, repair
from agent.recording.recorder import FlacRecorder

RATE = 48_000


def record(
    folder: Path,
    owner: str,
    *,
    stream_id: str = "",
    seconds: float = 0.5,
    title: str = "Morning talk",
    started_at: str = "2026-01-02T03:04:05Z",
    finished: bool = True,
    channels: int = 1,
) -> str:
    """A recording of noise; returns its id. Of two channels, the second is half as loud."""
    stream_id = stream_id or secrets.token_hex(16)
    now = [1000.0]
    recorder = FlacRecorder(
        folder,
        stream_id=stream_id,
        owner=owner,
        title=title,
        started_at=started_at,
        on_state=lambda state: None,
        clock=lambda: now[0],
        storage=RecordingFolder(folder, low_water_bytes=0),
        channels=channels,
    )
    recorder.start()
    sound = (np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 1000).astype(np.int16)
    if channels == 2:
        sound = np.stack((sound, sound // 2), axis=1)
    for at in range(0, len(sound), 4800):
        now[0] += len(sound[at : at + 4800]) / RATE
        recorder.write(sound[at : at + 4800])
    recorder.close(finished=finished)
    return stream_id


def record_more(folder: Path, stream_id: str, seconds: float) -> None:
    """Appends to the file of a recording that is still open, as its writer does."""
    disk = DiskFile(os.open(folder / f"{stream_id}.flac", os.O_RDWR))
    file = FlacFile(disk, repair(disk))
    file.append(np.ones(round(seconds * RATE), np.int16))
    file.fill_block()
    file.finish()
    disk.close()


def sound_bytes(folder: Path, stream_id: str) -> bytes:
    return (folder / f"{stream_id}.flac").read_bytes()
