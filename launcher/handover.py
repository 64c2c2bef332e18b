"""`./stillair agent ...` and `./stillair web ...`: hands over to the command line of the noise remover or of the web app."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from launcher import secrets
from launcher.command import clean_environment
from launcher.console import Console
from launcher.run import data_folder, program, services
from launcher.settings import ROOT, Settings
from launcher.setup import installation

AGENT = "agent"
WEB = "web"
MODULES = {AGENT: "agent", WEB: "webapp"}
SHORT_FORMS = {"denoise": (AGENT, "denoise"), "admin": (WEB, "admin")}
COMMANDS = {
    AGENT: "command line of the noise remover: ./stillair agent --help",
    "denoise": "remove the noise from sound files; short for ./stillair agent denoise",
    WEB: "command line of the web app, for the admin: ./stillair web --help",
    "admin": "make somebody an admin, or reset a second factor; short for ./stillair web admin",
}
"""With what the help says of each."""


def become(command: str, arguments: Sequence[str], console: Console) -> NoReturn:
    """Replace this process by the program, which gets all `arguments`. Install its packages first. Raises Problem."""
    target, *shortened = SHORT_FORMS.get(command, (command,))
    settings = Settings.of(data=None, host=None, port=None, environment=os.environ)
    python = str(installation.prepare_python(console) / "python")
    environment = clean_environment({"STILLAIR_DATA": str(settings.data)})
    if target == WEB:
        data_folder.prepare(settings, console)
        environment = program.environment(services.WEB, settings, secrets.load(settings.data, os.environ))
    program_line = [
        python,
        "-P",
        "-m",
        MODULES[target],
    ]  # -P: takes no modules from the caller's folder, which stays the working one
    os.execve(python, [*program_line, *shortened, *arguments], environment | {"PYTHONPATH": str(ROOT)})  # noqa: S606 - our own programs
