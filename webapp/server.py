"""Runs the web app: `python -m webapp.server`. What it takes from the network, and how, is in webapp.front."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Sequence

from webapp import create_app
from webapp.core import garbage
from webapp.core.config import Config
from webapp.front.limits import Limits
from webapp.front.processes import Bell, Processes
from webapp.front.server import Server, listening

NICENESS = 10
"""Pages may wait; sound, which other processes of this machine carry, may not."""


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every request that is none
    os.nice(NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is one
    config = Config.from_environment()
    app = create_app(config, migrates=False)
    garbage.spare_what_is_loaded()
    sock = listening(config)
    parent = os.getpid()

    def serve(bell: Bell, others: Sequence[Bell]) -> None:
        Server(app, config, Limits(), bell, others, parent).run([sock])

    Processes(config.web_processes, serve).run()


if __name__ == "__main__":
    main()
