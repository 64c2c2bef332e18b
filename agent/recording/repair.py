"""Repairs recordings whose writer has died: the sound file, its head, and the sidecar."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from agent.recording.files import RecordingBusy, RecordingFolder
from agent.recording.flac_file import DamagedFile, Repaired, repair
from agent.recording.peaks import make_one_missing
from agent.recording.sidecar import close_open_pause
from contract.fields import DocumentError
from contract.recording import SAMPLE_RATE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RepairReport:
    """Says what the repair of one recording found; `problem` is a text for people, "" when all is well."""

    stream_id: str
    seconds: float = 0.0
    cut_bytes: int = 0
    lost_seconds: float = 0.0
    busy: bool = False  # it is being written now, so it was left alone
    problem: str = ""


def repair_recording(storage: RecordingFolder, stream_id: str) -> RepairReport:
    """Repairs the sound file, its head and the sidecar. Cuts off nothing that is good."""
    try:
        disk = storage.open_audio(stream_id)
    except RecordingBusy:
        return RepairReport(stream_id, busy=True)
    except OSError as error:
        return RepairReport(stream_id, problem=f"The sound file cannot be opened: {error.strerror}.")
    try:
        found = repair(disk)
        disk.sync()
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
    except DocumentError as error:
        return f"The sound is in order, its sidecar is not: {error}."
    if found.head.samples == 0 and (manifest is None or manifest.samples == 0):
        storage.remove(stream_id)  # died before the first sound
        return ""
    if manifest is None:
        return "The sound is in order, but it has no sidecar: nobody knows whose it is."
    state = "truncated" if found.lost_samples else "recovered" if manifest.state == "live" else manifest.state
    settled = close_open_pause(replace(manifest, samples=found.head.samples, state=state))
    if settled != manifest:
        storage.write_manifest(settled)
    return ""


def repair_folder(folder: Path, settled: set[str] | None = None) -> list[RepairReport]:
    """Repairs what was left behind by writers that died; what is being written now is left alone.

    Opens only recordings whose sidecar does not say that they were closed. Reports name those that were touched or have a
    problem. `settled`: ids that need no further look, for callers who come again; those found closed or beyond repair are added.
    """
    storage = RecordingFolder(folder)
    settled = set() if settled is None else settled
    reports = []
    for stream_id in storage.ids():
        if stream_id not in settled:
            reports.append(_repair_if_open(storage, stream_id, settled))
    return [report for report in reports if report and not report.busy]


def _repair_if_open(storage: RecordingFolder, stream_id: str, settled: set[str]) -> RepairReport | None:
    try:
        manifest = storage.read_manifest(stream_id)
    except DocumentError:
        manifest = None
    if manifest and manifest.state == "closed":
        settled.add(stream_id)
    if manifest and manifest.state != "live":  # not settled: a job may continue a recovered one, and die again
        return None
    report = repair_recording(storage, stream_id)
    if report.problem:
        settled.add(stream_id)
    return report


async def keep_repaired(folder: Path, every_s: float = 30.0) -> None:
    """Repairs as long as the worker runs: at once what an earlier worker left, later what a job left that nobody continued.
    Missing peaks are made one recording at a time, so that it never takes a core for long."""
    settled: set[str] = set()
    with_peaks: set[str] = set()
    while True:
        try:
            for report in await asyncio.to_thread(repair_folder, folder, settled):
                _log(report)
            await asyncio.to_thread(make_one_missing, folder, with_peaks)
        except OSError:
            log.exception("Recordings could not be repaired, trying again")
        await asyncio.sleep(every_s)


def _log(report: RepairReport) -> None:
    if report.problem:
        log.error("A recording could not be repaired: %s", report.problem, extra={"recording": report.stream_id})
        return
    log.warning(
        "A recording was repaired",
        extra={
            "recording": report.stream_id,
            "seconds": round(report.seconds, 1),
            "cut_bytes": report.cut_bytes,
            "lost_seconds": round(report.lost_seconds, 1),
        },
    )


def repair_file(path: Path) -> RepairReport:
    """Repairs one file, whatever its sidecar says."""
    if not path.is_file() or path.suffix != ".flac":
        return RepairReport(path.stem, problem=f"{path} is not a .flac file.")
    return repair_recording(RecordingFolder(path.parent), path.stem)
