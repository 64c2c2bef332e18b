"""Brings recordings in order whose writer has died: the sound file, its head, and the sidecar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from agent.flac_file import DamagedFile, Repaired, repair
from agent.storage import RecordingBusy, RecordingFolder
from contract import SAMPLE_RATE, ContractError, RecordingManifest


@dataclass(frozen=True)
class RepairReport:
    """What the repair of one recording found; `problem` is for a person, "" when all is well."""

    stream_id: str
    seconds: float = 0.0
    cut_bytes: int = 0
    lost_seconds: float = 0.0
    busy: bool = False        # it is being written now, and was left alone
    problem: str = ""


def repair_recording(storage: RecordingFolder, stream_id: str) -> RepairReport:
    """Brings a recording in order whose writer has died: file, head and sidecar. Nothing good is cut off."""
    try:
        disk = storage.open_audio(stream_id)
    except RecordingBusy:
        return RepairReport(stream_id, busy=True)
    except OSError as error:
        return RepairReport(stream_id, problem=f"The sound file cannot be opened: {error.strerror}.")
    try:
        found = repair(disk)
        problem = _settle_manifest(storage, stream_id, found)
    except DamagedFile as error:
        return RepairReport(stream_id, problem=f"Left as it is: {error}.")
    except OSError as error:
        return RepairReport(stream_id, problem=f"The disk refused: {error.strerror}. Nothing was lost; try again.")
    finally:
        disk.close()
    return RepairReport(
        stream_id,
        seconds=found.head.samples / SAMPLE_RATE,
        cut_bytes=found.cut_bytes,
        lost_seconds=found.lost_samples / SAMPLE_RATE,
        problem=problem,
    )


def _settle_manifest(storage: RecordingFolder, stream_id: str, found: Repaired) -> str:
    try:
        manifest = storage.read_manifest(stream_id)
    except ContractError as error:
        return f"The sound is in order, its sidecar is not: {error}."
    if found.head.samples == 0 and (manifest is None or manifest.samples == 0):
        storage.remove(stream_id)           # died before the first sound
        return ""
    if manifest is None:
        return "The sound is in order, but it has no sidecar: nobody knows whose it is."
    state = "truncated" if found.lost_samples else "recovered" if manifest.state == "live" else manifest.state
    settled = close_open_pause(replace(manifest, samples=found.head.samples, state=state))
    if settled != manifest:
        storage.write_manifest(settled)
    return ""


def repair_folder(folder: Path) -> list[RepairReport]:
    """Repairs what was left behind by writers that died; what is being written now is left alone.

    For the worker's start, and again from time to time: a job may die and nobody go on with its stream. Only recordings
    whose sidecar does not say that they were closed are opened. Reports name those that were touched or have a problem.
    """
    storage = RecordingFolder(folder)
    reports = []
    for stream_id in storage.ids():
        try:
            manifest = storage.read_manifest(stream_id)
        except ContractError:
            manifest = None
        if manifest is None or manifest.state == "live":
            reports.append(repair_recording(storage, stream_id))
    return [report for report in reports if not report.busy]


def repair_file(path: Path) -> RepairReport:
    """The same for one file, by hand, whatever its sidecar says."""
    if not path.is_file() or path.suffix != ".flac":
        return RepairReport(path.stem, problem=f"{path} is not a .flac file.")
    return repair_recording(RecordingFolder(path.parent), path.stem)


def close_open_pause(manifest: RecordingManifest) -> RecordingManifest:
    """A span without noise removal has the length 0 while it lasts; here it gets the length up to the last sample."""
    if not manifest.paused or manifest.paused[-1].length:
        return manifest
    *before, last = manifest.paused
    length = max(0.0, manifest.duration - last.start)
    return replace(manifest, paused=(*before, *([replace(last, length=length)] if length else [])))
