"""Makes the data folder, and keeps it to the person who runs Stillair: others on the machine may not even list it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import Settings

PRIVATE_UMASK = 0o077
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
CONTENTS = (
    "avatars",
    "bin",
    "capacity.json",
    "log",
    "recordings",
    "run",
    "secrets.env",
    "set-up-token",
    "stillair.db*",
    "vapid.pem",
)
"""What Stillair keeps in the folder. Nothing else is touched: people may have chosen a folder that holds other things, too."""


def prepare(settings: Settings, console: Console) -> None:
    """Make the folder, and take from others what they may do in it, and with all files written from now on. Raises Problem.

    Earlier versions, and people who made the folder themselves, left files in it that others on the machine may read.
    """
    os.umask(PRIVATE_UMASK)
    try:
        for folder in (settings.data, settings.run, settings.log):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        what = f"The data folder {settings.data} cannot be used: {error.strerror}."
        raise Problem(what, "choose another with --data.") from error
    closed = sum([_close(path) for path in (settings.data, *_kept(settings.data))])
    if closed:
        console.say(f"Others on this machine might have read {settings.data} ({closed} files and folders); now they cannot.")
    if still_open := stat.S_IMODE(settings.data.stat().st_mode) & FOR_OTHERS:
        console.say(f"Others on this machine may look into {settings.data} (mode {still_open:03o}), and it could not be closed.")


def _kept(data: Path) -> Iterator[Path]:
    """Yield every file and folder of Stillair's own, without going into links and other disks, which have rules of their own."""
    for pattern in CONTENTS:
        for top in data.glob(pattern):
            if top.is_symlink() or top.is_mount():
                continue
            yield top
            for folder, folders, files in os.walk(top):
                folders[:] = [name for name in folders if not (Path(folder, name).is_symlink() or Path(folder, name).is_mount())]
                yield from (Path(folder, name) for name in (*folders, *files))


def _close(path: Path) -> bool:
    """Take all rights from others, and return whether they had any. Files that come and go meanwhile do not matter."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & FOR_OTHERS:
            return False
        path.chmod(stat.S_IMODE(mode) & ~FOR_OTHERS)
    except OSError:  # gone, or it belongs to somebody else
        return False
    return True
