"""The agent on the command line. Each command only wires: what it does lives in a module of its own, imported when it is used."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.config import AgentConfig, ConfigError

if TYPE_CHECKING:
    from agent.repair import RepairReport


class Refused(click.ClickException):
    """Ends a command with one line on standard error and exit code 1."""


@click.group(help="Stillair's noise remover.")
def main() -> None:
    pass


@main.command()
def worker() -> None:
    """Clean the broadcasts that the audio server sends here, until SIGTERM."""
    from agent import log
    from agent.denoise import ModelError
    from agent.worker import check_model, run

    log.configure()
    try:
        config = AgentConfig.from_environment()
        check_model()
    except (ConfigError, ModelError) as error:
        raise Refused(str(error)) from error
    asyncio.run(run(config))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(as_json: bool) -> None:
    """Is the model whole, and is this machine fast enough? One line each; exit code 1 when something is wrong."""
    from agent.checkup import checkup

    findings = checkup()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.what}: {finding.words}")
    sys.exit(not all(finding.ok for finding in findings))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def bench(as_json: bool) -> None:
    """How many streams this machine can clean: takes two seconds, and wants the machine for itself.

    What it finds is kept in the data folder (STILLAIR_DATA): the next start goes by it, if STILLAIR_CAPACITY is not set.
    """
    from agent.capacity import keep, measure
    from agent.config import data_folder
    from agent.denoise import ModelError

    try:
        result = measure()
    except ModelError as error:
        raise Refused(str(error)) from error
    keep(data_folder(), result)
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        click.echo(result.words())


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def repair(files: tuple[Path, ...]) -> None:
    """Bring recordings (FLAC files or folders of them) in order whose writer has died. Nothing good is cut off."""
    from agent.repair import repair_file, repair_folder

    reports = [report for file in files for report in (repair_folder(file) if file.is_dir() else [repair_file(file)])]
    for report in reports:
        click.echo(f"{report.stream_id}: {_repair_words(report)}", err=bool(report.problem))
    sys.exit(any(report.problem for report in reports))


def _repair_words(report: RepairReport) -> str:
    if report.busy:
        return "is being written now, left alone"
    if report.problem:
        return report.problem
    lost = f", {report.lost_seconds:.1f} s were lost to damage" if report.lost_seconds else ""
    return f"ok, {report.seconds:.1f} s, {report.cut_bytes} bytes of torn end cut off{lost}"


@main.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder for several. Default: NAME-clean.flac.")
@click.option("--strength", "strength_db", type=click.FloatRange(0, 100), default=100.0, show_default=True, help="In dB.")
@click.option("--mode", type=click.Choice(["running", "parity"]), default="running", show_default=True)
def denoise(inputs: tuple[Path, ...], output: Path | None, strength_db: float, mode: str) -> None:
    """Remove the noise from sound files of any kind, rate and channel count; length and start stay."""
    from agent.denoise import ModelError
    from agent.files import denoise_files

    try:
        failures = denoise_files(inputs, output, strength_db=strength_db, parity=mode == "parity")
    except ModelError as error:
        raise Refused(str(error)) from error
    for failure in failures:
        click.echo(failure, err=True)
    sys.exit(bool(failures))


@main.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: the model file of this installation.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path.home() / ".cache" / "stillair", show_default=True,
    help="Folder for the published checkpoint (15 MB).",
)
def export(output: Path | None, cache: Path) -> None:
    """Make the model file again out of the published DeepFilterNet2 checkpoint."""
    try:
        from agent.export.checkpoint import CheckpointError
        from agent.export.to_onnx import export as write_model
    except ImportError as error:
        raise Refused(f"{error.name} is not installed: pip install 'stillair[model]' and try again.") from error
    from agent.denoise.engine import MODEL

    target = output or MODEL
    try:
        digest = write_model(cache, target)
    except CheckpointError as error:
        raise Refused(str(error)) from error
    click.echo(f"{target}: SHA-256 {digest}")
