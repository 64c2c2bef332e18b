"""Becomes one of the four programs, with the variables that it needs and no secret of another: whoever breaks into one, the noise
remover for example, which decodes what strangers send, does not find the keys to everything in its environment.

`./stillair up` starts each as `python -m launcher.run.program NAME COMMAND ...`, the containers through launcher.run.service.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from launcher import secrets
from launcher.command import clean_environment
from launcher.run import services
from launcher.run.services import Service
from launcher.secrets import Secrets
from launcher.settings import ROOT, Settings

OURS = ("STILLAIR_", "LIVEKIT_", "PG")
"""How the names of variables begin that may concern secrets; libpq, for PostgreSQL, reads the last."""
BEHIND_THE_SOUND = {services.WEB, services.RECONCILER}
"""They get what the sound leaves of the processor: a page may come some milliseconds later, a frame may not."""
OF_THE_NOISE_REMOVER = {
    "LIVEKIT_URL",
    "STILLAIR_AGENT_HEALTH_PORT",
    "STILLAIR_CAPACITY",
    "STILLAIR_DATA",
    "STILLAIR_GRACE_S",
    "STILLAIR_LOW_WATER_MB",
    "STILLAIR_NEVER_ORIGINAL",
    "STILLAIR_RECORDINGS",
    "STILLAIR_WORKERS",
}


def environment(name: str, settings: Settings, made: Secrets) -> dict[str, str]:
    """Return the variables of a program, made from those of this process, in which people give their settings."""
    given = {key: value for key, value in clean_environment(settings.environment()).items() if key not in made.environment()}
    others = {key: value for key, value in given.items() if not key.startswith(OURS)}
    own = {key: value for key, value in given.items() if key.startswith(OURS)}
    if name == services.AUDIO_SERVER:
        own = {key: value for key, value in own.items() if key.startswith("LIVEKIT_") or key == "STILLAIR_DATA"}
        return others | own | settings.audio_server_environment(made)
    if name == services.NOISE_REMOVER:
        own = {key: value for key, value in own.items() if key in OF_THE_NOISE_REMOVER}
        pair = (made.STILLAIR_NOISE_REMOVER_KEY, made.STILLAIR_NOISE_REMOVER_SECRET)
    else:
        own["STILLAIR_SECRET_KEY"] = made.STILLAIR_SECRET_KEY
        pair = (made.LIVEKIT_API_KEY, made.LIVEKIT_API_SECRET)
    return others | own | dict(zip(("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), pair, strict=True))


def wrapped(service: Service, *, python: Path) -> Service:
    """Return the service as supervisord starts it, whose own environment holds no secret of the file."""
    return replace(service, command=[str(python), "-m", "launcher.run.program", service.name, *service.command])


def become(name: str, command: Sequence[str], settings: Settings) -> NoReturn:
    """Replace this process by the program. Raises Problem."""
    wanted = environment(name, settings, secrets.load(settings.data, os.environ))
    os.chdir(ROOT)
    if name in BEHIND_THE_SOUND:
        os.nice(10)
    os.execvpe(command[0], list(command), wanted)  # noqa: S606 - our own argument lists


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2:], Settings.of(data=None, host=None, port=None, environment=os.environ))
