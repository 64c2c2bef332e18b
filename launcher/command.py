"""Runs programs of the set-up quietly. Their last lines are shown only if they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 12


class CommandError(Exception):
    """Is raised when a program fails or cannot be started. `output` holds its last lines."""

    def __init__(self, program: str, output: str) -> None:
        super().__init__(f"{program} failed")
        self.output = output


def run(
    arguments: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> str:
    """Run a program and return its standard output and error, together. Raises CommandError."""
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
    """Return the environment for child processes: with `extra`, and without what would make their Python load other modules."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | dict(extra or {})
