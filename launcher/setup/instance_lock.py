"""Locks a data folder for one running Stillair. The system releases the lock however its holder ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.console import Console
from launcher.problem import Problem


@contextmanager
def hold(data: Path, *, address: str) -> Iterator[None]:
    """Hold the lock during the block. Raises Problem, with process and address, if another Stillair uses the data folder."""
    path = data / "run" / "lock"
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder, _, where = file.read().partition(" ")
            raise Problem(
                f"The data folder {data} is in use: Stillair runs at {where} (process {holder}).",
                f"open {where}, or stop it (Ctrl-C, or kill {holder}); a second one: ./stillair up --data FOLDER --port NUMBER",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()} {address}")
        file.flush()
        yield


@contextmanager
def one_set_up_at_a_time(tools: Path, console: Console) -> Iterator[None]:
    """Hold the lock of a clone during the block. Two starts share .venv and .tools, so the second waits for the first.

    Who may only read the clone, as a service may, holds it as well: everything has to be installed then.
    """
    try:
        tools.mkdir(parents=True, exist_ok=True)
        file = open(tools / "lock", "a")  # noqa: SIM115 - closed below
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        if not (tools / "lock").exists():
            raise Problem(f"{tools.parent} cannot be written to.", "run ./stillair install as its owner first.") from error
        file = open(tools / "lock")  # noqa: SIM115 - closed below
    with file:
        with console.step("Waiting for another start that installs in this folder"):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
