"""Options that several commands share, and how a command ends with an error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class Refused(click.ClickException):
    """A command ends with one line on standard error and exit code 1."""


def not_installed(error: ImportError) -> Refused:
    """Explain that this command needs packages that are otherwise only needed by tests."""
    return Refused(f"{error.name} is not installed. ./stillair test lint installs it, with all other packages for tests (6 GB).")


FILES = click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
STRENGTH = click.option(
    "--strength",
    "strength_db",
    type=click.FloatRange(0, 100),
    default=100.0,
    show_default=True,
    help="Most that is removed, in dB.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
URL = click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the Stillair to use.")


def login_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say whose account to use. The command gets them as `login`; a user name beats a token."""

    @click.option("--as", "username", help="User name, with a password instead of a token.")
    @click.option(
        "--token",
        envvar="STILLAIR_TOKEN",
        help="Access token (Settings, Access tokens). Safer in STILLAIR_TOKEN: others on this machine can read command lines.",
    )
    @click.option("--password", envvar="STILLAIR_PASSWORD", help="Password for --as. Safer in STILLAIR_PASSWORD, or typed.")
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
