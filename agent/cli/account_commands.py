"""Commands that use somebody's account in a running Stillair."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import JSON, STRENGTH, URL, Refused, login_options

if TYPE_CHECKING:
    from agent.cli.web_client import Login


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@login_options
@URL
@click.option("--title", default="", help="Default: the file's name.")
@STRENGTH
@JSON
def publish(file: Path, login: Login, url: str, title: str, strength_db: float, as_json: bool) -> None:
    """Go on air from a sound file, in a running Stillair: try a server without a browser."""
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


@click.command()
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
    """Record the stream of USERNAME, a friend, to a file."""
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
