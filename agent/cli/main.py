"""The agent on the command line. Each command only wires: what it does lives in a module of its own, imported when it is used."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from agent.config import AgentConfig
from contract.settings import DATA, ConfigError

if TYPE_CHECKING:
    from agent.cli.web_client import Login
    from agent.recording.repair import RepairReport


class Refused(click.ClickException):
    """Ends a command with one line on standard error and exit code 1."""


def _not_installed(error: ImportError) -> Refused:
    """Explain that this command needs packages which only the tests need besides."""
    return Refused(f"{error.name} is not installed. ./stillair test lint installs it, with all other packages for tests (6 GB).")


@click.group(help="Stillair's noise remover.")
def main() -> None:
    pass


@main.command()
def worker() -> None:
    """Clean the broadcasts that the audio server sends here, until SIGTERM."""
    from agent import log
    from agent.denoise import ModelError
    from agent.live.worker import check_model, run

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
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def bench(as_json: bool) -> None:
    """How many streams this machine can clean: takes two seconds, and wants the machine for itself.

    What it finds is kept in the data folder (STILLAIR_DATA): the next start goes by it, if STILLAIR_CAPACITY is not set.
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
    """Bring recordings (FLAC files or folders of them) in order whose writer has died. Nothing good is cut off."""
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


FILES = click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
STRENGTH = click.option(
    "--strength",
    "strength_db",
    type=click.FloatRange(0, 100),
    default=100.0,
    show_default=True,
    help="In dB.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="For scripts.")
URL = click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the Stillair.")


def login_options(command: Callable[..., None]) -> Callable[..., None]:
    """Whose account it is, as one argument `login`: an access token, or a user name with a password, which wins."""

    @click.option("--as", "username", help="User name, with a password instead of a token.")
    @click.option(
        "--token",
        envvar="STILLAIR_TOKEN",
        help="Access token (Settings, Access tokens). Better in STILLAIR_TOKEN: others see what stands on a command line.",
    )
    @click.option("--password", envvar="STILLAIR_PASSWORD", help="Of --as. Better in STILLAIR_PASSWORD, or asked for.")
    @functools.wraps(command)
    def with_login(*, username: str | None, token: str | None, password: str | None, **options: Any) -> None:
        from agent.cli.web_client import Login

        if username:
            login = Login(username=username, password=password or click.prompt("Password", hide_input=True))
        elif token:
            login = Login(token=token)
        else:
            raise click.UsageError("Say who you are: --token TOKEN (or STILLAIR_TOKEN), or --as USER with a password.")
        command(login=login, **options)

    return with_login


@main.command()
@FILES
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder for several. Default: NAME-clean.flac.")
@STRENGTH
@click.option("--mode", type=click.Choice(["running", "parity"]), default="running", show_default=True)
@JSON
def denoise(inputs: tuple[Path, ...], output: Path | None, strength_db: float, mode: str, as_json: bool) -> None:
    """Remove the noise from sound files of any kind, rate and channel count; length and start stay. Folders too."""
    from agent.cli.denoise_files import denoise_files
    from agent.denoise import ModelError

    try:
        results = denoise_files(inputs, output, strength_db=strength_db, parity=mode == "parity")
    except ModelError as error:
        raise Refused(str(error)) from error
    _report([result.as_dict() for result in results], as_json)


@main.command()
@FILES
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Picture, or folder of them. Default: NAME-compare.png.")
@STRENGTH
@JSON
def compare(inputs: tuple[Path, ...], output: Path | None, strength_db: float, as_json: bool) -> None:
    """Draw a sound before and after: spectrograms, levels, local SNR; and judge both, if speechmos is installed."""
    try:
        from agent.cli.comparison import compare_files, words
    except ImportError as error:
        raise _not_installed(error) from error
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
    """Ends the command: what went wrong on standard error, everything as JSON if that is wanted, exit code 1 for any problem."""
    if as_json:
        click.echo(json.dumps(results))
    for result in results:
        if result["problem"] and not as_json:
            click.echo(f"{result['file']}: {result['problem']}" if result["file"] else result["problem"], err=True)
    sys.exit(any(result["problem"] for result in results))


@main.command()
@STRENGTH
def console(strength_db: float) -> None:
    """Hear yourself without the noise: this machine's microphone to its headphones, until Ctrl-C."""
    from agent.cli.console import NoDevice, run
    from agent.denoise import Denoiser, ModelError

    try:
        run(Denoiser.load(), strength_db=strength_db, stop=threading.Event())
    except KeyboardInterrupt:
        click.echo("")
    except (NoDevice, ModelError) as error:
        raise Refused(str(error)) from error


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@login_options
@URL
@click.option("--title", default="", help="Default: the file's name.")
@STRENGTH
@JSON
def publish(file: Path, login: Login, url: str, title: str, strength_db: float, as_json: bool) -> None:
    """Be on air from a sound file, in a running Stillair: to try a server without a browser."""
    from agent.cli.denoise_files import UnusableFile
    from agent.cli.progress import seconds_bar
    from agent.cli.publishing import publish as publish_file
    from agent.cli.web_client import AccountError, account

    async def work() -> float:
        async with account(url, login) as logged_in:
            with seconds_bar("On air") as tell:
                return await publish_file(logged_in, file, title=title or file.stem, strength_db=strength_db, tell=tell)

    try:
        seconds = asyncio.run(work())
    except KeyboardInterrupt:
        raise Refused("Stopped. What was sent is recorded.") from None
    except UnusableFile as error:
        raise Refused(f"{file}: {error}") from error
    except AccountError as error:
        raise Refused(str(error)) from error
    click.echo(json.dumps({"file": str(file), "seconds": seconds}) if as_json else f"{file} was on air for {seconds:.1f} s")


@main.command()
@click.argument("broadcaster", metavar="USERNAME")
@click.option("-o", "--output", "file", required=True, type=click.Path(path_type=Path), help="FLAC or WAV file to write.")
@login_options
@URL
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Default: until the stream ends.")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for the stream to begin.")
@JSON
def listen(
    broadcaster: str,
    login: Login,
    file: Path,
    url: str,
    seconds: float | None,
    wait_s: float,
    as_json: bool,
) -> None:
    """Write down what you hear of USERNAME, a friend."""
    from agent.cli.denoise_files import UnusableFile
    from agent.cli.listening import listen as listen_to
    from agent.cli.progress import seconds_bar
    from agent.cli.web_client import AccountError, account

    async def work() -> float:
        async with account(url, login) as logged_in:
            with seconds_bar(f"Listening to {broadcaster}") as tell:
                return await listen_to(logged_in, broadcaster, file, seconds=seconds, wait_s=wait_s, tell=tell)

    try:
        heard_s = asyncio.run(work())
    except KeyboardInterrupt:
        raise Refused(f"Stopped. What was heard is in {file}.") from None
    except (AccountError, UnusableFile) as error:
        raise Refused(str(error)) from error
    click.echo(json.dumps({"file": str(file), "seconds": heard_s}) if as_json else f"{file}: {heard_s:.1f} s")


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
    """Make the model file again out of the published DeepFilterNet2 checkpoint."""
    try:
        from agent.export.checkpoint import CheckpointError
        from agent.export.to_onnx import export as write_model
    except ImportError as error:
        raise _not_installed(error) from error
    from agent.cli.progress import waiting
    from agent.denoise.engine import MODEL

    target = output or MODEL
    try:
        with waiting("Making the model file"):
            digest = write_model(cache, target)
    except CheckpointError as error:
        raise Refused(str(error)) from error
    click.echo(f"{target}: SHA-256 {digest}")
