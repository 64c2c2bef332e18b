"""Commands that remove noise from files and from this machine's microphone."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from agent.cli.options import FILES, JSON, STRENGTH, Refused, not_installed


@click.command()
@FILES
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder for several. Default: NAME-clean.flac.")
@STRENGTH
@click.option("--mode", type=click.Choice(["running", "parity"]), default="running", show_default=True)
@JSON
def denoise(inputs: tuple[Path, ...], output: Path | None, strength_db: float, mode: str, as_json: bool) -> None:
    """Remove the noise from sound files, or folders of them, of any format, rate and number of channels. Timing is kept."""
    from agent.cli.denoise_files import denoise_files
    from agent.denoise import ModelError

    try:
        results = denoise_files(inputs, output, strength_db=strength_db, parity=mode == "parity")
    except ModelError as error:
        raise Refused(str(error)) from error
    _report([result.as_dict() for result in results], as_json)


@click.command()
@FILES
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Picture, or folder of them. Default: NAME-compare.png.")
@STRENGTH
@JSON
def compare(inputs: tuple[Path, ...], output: Path | None, strength_db: float, as_json: bool) -> None:
    """Draw spectrograms, levels and the local SNR before and after, and score both with DNSMOS."""
    try:
        from agent.cli.comparison import compare_files, words
    except ImportError as error:
        raise not_installed(error) from error
    from agent.denoise import ModelError

    try:
        results = compare_files(inputs, output, strength_db=strength_db)
    except ModelError as error:
        raise Refused(str(error)) from error
    if not as_json:
        for result in results:
            if not result.problem:
                click.echo(f"{result.target}: {words(result.found)}")
    _report([result.as_dict() for result in results], as_json)


def _report(results: list[dict[str, Any]], as_json: bool) -> NoReturn:
    """End the command with exit code 1 for any problem, which is told on standard error, or in the JSON for scripts."""
    if as_json:
        click.echo(json.dumps(results))
    for result in results:
        if result["problem"] and not as_json:
            click.echo(f"{result['file']}: {result['problem']}" if result["file"] else result["problem"], err=True)
    sys.exit(any(result["problem"] for result in results))


@click.command()
@STRENGTH
def console(strength_db: float) -> None:
    """Hear yourself without the noise: from this machine's microphone to its headphones, until Ctrl-C."""
    from agent.cli.console import NoDevice, run
    from agent.denoise import Denoiser, ModelError

    try:
        run(Denoiser.load(), strength_db=strength_db, stop=threading.Event())
    except KeyboardInterrupt:
        click.echo("")
    except (NoDevice, ModelError) as error:
        raise Refused(str(error)) from error
