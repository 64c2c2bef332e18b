"""Programs that tests need and no Python package brings: found, or installed from Debian's packages where that is allowed."""

from __future__ import annotations

import os
import shutil

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
