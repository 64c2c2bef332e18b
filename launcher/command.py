"""Runs a program of the set-up quietly; its last words are shown only when it fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 12


class CommandError(Exception):
    """A program ended with another status than 0, or could not be started. `output` holds its last lines."""

    def __init__(self, program: str, output: str) -> None:
        super().__init__(f"{program} failed")
        self.output = output


def run(
    arguments: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> str:
    """Standard output and error of the program, together. Raises CommandError."""
    program = Path(arguments[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - our own argument lists, no shell
            [str(argument) for argument in arguments],
            cwd=folder,
            env=clean_environment(environment),
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CommandError(program, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(program, f"no answer within {timeout_s:.0f} s") from error
    if done.returncode:
        raise CommandError(program, tail(done.stdout))
    return done.stdout


def tail(text: str, lines: int = TAIL_LINES) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for child processes: without what would lead their Python astray, and with `extra`."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | dict(extra or {})
