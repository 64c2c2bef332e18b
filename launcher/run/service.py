"""Becomes one of the programs: `./stillair service NAME`, which the containers of docker-compose.yml run.

The first of them, `set-up`, makes the secrets and the database and ends.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from launcher.console import Console
from launcher.problem import Problem
from launcher.run import data_folder, program, services
from launcher.settings import Settings
from launcher.setup import livekit_server

SET_UP = "set-up"
NAMES = (SET_UP, services.AUDIO_SERVER, services.WEB, services.RECONCILER, services.NOISE_REMOVER)


def become(name: str, settings: Settings) -> NoReturn:
    """Replace this process by the program. Raises Problem."""
    data_folder.prepare(settings, Console(sys.stderr))
    services.write_audio_server_config(settings)
    program.become(services.WEB if name == SET_UP else name, _command(name, settings), settings)


def _command(name: str, settings: Settings) -> Sequence[str]:
    programs = Path(sys.executable).parent
    if name == SET_UP:
        return services.migration(programs)
    if settings.livekit_server is None:
        raise Problem(
            "STILLAIR_LIVEKIT_SERVER is not set.", f"name {livekit_server.NAME} {livekit_server.VERSION}, as the image does."
        )
    table = services.services(settings, programs=programs, livekit_server=settings.livekit_server)
    return next(service.command for service in table if service.name == name)
