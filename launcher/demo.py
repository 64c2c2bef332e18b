"""Makes three people who are friends, to try Stillair out: `./stillair demo`."""

from __future__ import annotations

import os
import subprocess

from launcher import secrets
from launcher.console import Console
from launcher.run import data_folder, program, services
from launcher.settings import ROOT, Settings
from launcher.setup import installation


def demo(settings: Settings, console: Console, *, force: bool) -> int:
    """Return the exit status of the web app's command, which prints names and passwords itself. Raises Problem."""
    programs = installation.prepare_python(console)
    data_folder.prepare(settings, console)
    environment = program.environment(services.WEB, settings, secrets.load(settings.data, os.environ))
    make_people = [str(programs / "flask"), "--app", "webapp", "demo", *(["--force"] if force else [])]
    for command in (services.migration(programs), make_people):
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own argument lists
        if status:
            return status
    return 0
