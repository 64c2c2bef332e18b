"""The agent on the command line. Each command only wires: what it does is in a module of its own, imported when it is used."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.account_commands import listen, publish
from agent.cli.file_commands import compare, console, denoise
from agent.cli.options import JSON, Refused, not_installed
from agent.config import AgentConfig
from contract.settings import DATA, ConfigError

if TYPE_CHECKING:
    from agent.recording.repair import RepairReport


@click.group(help="Stillair's noise remover.")
def main() -> None:
    pass


for command in (denoise, compare, console, publish, listen):
    main.add_command(command)


@main.command()
def worker() -> None:
    """Clean the broadcasts that the audio server sends here, until SIGTERM."""
    from agent import log
    from agent.denoise import ModelError
    from agent.denoise.engine import read_model
    from agent.live.noise_remover import run

    log.configure()
    try:
        config = AgentConfig.from_environment()
        read_model()  # whether it is intact is told before anything begins
    except (ConfigError, ModelError) as error:
        raise Refused(str(error)) from error
    asyncio.run(run(config))


@main.command()
@JSON
def check(as_json: bool) -> None:
    """Check that the model is intact and this machine fast enough. The exit code is 1 if something is wrong."""
    from agent.cli.progress import waiting
    from agent.cli.self_check import checkup

    with waiting("Measuring"):
        findings = checkup()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.what}: {finding.words}")
    sys.exit(not all(finding.ok for finding in findings))


@main.command()
@JSON
def bench(as_json: bool) -> None:
    """Measure how many streams this machine can clean. Takes two seconds; let nothing else run meanwhile.

    The result is kept in the data folder (STILLAIR_DATA). The next start uses it unless STILLAIR_CAPACITY is set.
    """
    from agent.cli.progress import waiting
    from agent.denoise import ModelError
    from agent.live.capacity import keep, measure

    try:
        with waiting("Measuring"):
            result = measure()
    except ModelError as error:
        raise Refused(str(error)) from error
    keep(DATA.read(), result)
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        click.echo(result.words())


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def repair(files: tuple[Path, ...]) -> None:
    """Repair recordings (FLAC files, or folders of them) left behind by a crash. No intact sound is cut off."""
    from agent.cli.progress import waiting
    from agent.recording.repair import repair_file, repair_folder

    reports: list[RepairReport] = []
    for file in files:
        with waiting(f"Looking through {file}"):
            reports += repair_folder(file) if file.is_dir() else [repair_file(file)]
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
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: the model file of this installation.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path.home() / ".cache" / "stillair",
    show_default=True,
    help="Folder for the published checkpoint (15 MB).",
)
def export(output: Path | None, cache: Path) -> None:
    """Make the model file from the published DeepFilterNet2 checkpoint."""
    try:
        from agent.export.checkpoint import CheckpointError
        from agent.export.to_onnx import export as write_model
    except ImportError as error:
        raise not_installed(error) from error
    from agent.cli.progress import waiting
    from agent.denoise.engine import MODEL

    target = output or MODEL
    try:
        with waiting("Making the model file"):
            digest = write_model(cache, target)
    except CheckpointError as error:
        raise Refused(str(error)) from error
    click.echo(f"{target}: SHA-256 {digest}")
