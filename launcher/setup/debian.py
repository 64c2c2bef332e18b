"""Finds programs that tests need and no Python package brings, or installs them from Debian's packages if that is allowed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from launcher.command import CommandError, run
from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import ROOT


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str], console: Console) -> None:
    """Raises CommandError."""
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with console.step(f"Installing {', '.join(packages)} from Debian's packages"):
        run(["apt-get", "update", "-q"], folder=ROOT, environment=environment)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], folder=ROOT, environment=environment)


def unpack(package: str, console: Console) -> Path:
    """A package whose programs need nothing else -> their folder. It is not installed, or its service would be started. Raises
    Problem."""
    folder = ROOT / ".tools" / f"debian-{package}"
    programs = folder / "usr" / "bin"
    if not programs.is_dir():
        if not can_install():
            raise Problem(f"The tests need {package}.", f"install it, for example: sudo apt-get install {package}")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with console.step(f"Fetching {package} from Debian's packages"):
                run(["apt-get", "update", "-q"], folder=folder)
                run(["apt-get", "download", "-q", package], folder=folder)
                run(["dpkg-deb", "--extract", str(next(folder.glob("*.deb"))), str(folder)], folder=folder)
        except CommandError as error:
            raise Problem(f"{package} could not be fetched.", f"install it: apt-get install {package}", error.output) from error
    return programs


def need(programs: dict[str, str], console: Console) -> None:
    """`programs`: name of the program -> name of Debian's package. Raises Problem naming what is missing and how to get it."""
    missing = {program: package for program, package in programs.items() if shutil.which(program) is None}
    if not missing:
        return
    details = ""
    if can_install():
        try:
            install(sorted(set(missing.values())), console)
            return
        except CommandError as error:
            details = error.output
    command = f"sudo apt-get install {' '.join(sorted(set(missing.values())))}"
    raise Problem(f"The tests need {', '.join(missing)}.", f"install what is missing, for example: {command}", details)
