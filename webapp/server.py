"""Runs the web app: `python -m webapp.server`. What it takes from the network, and how, is in webapp.front."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys

from webapp import create_app
from webapp.core.config import Config
from webapp.front.limits import Limits
from webapp.front.server import Server

NICENESS = 10
"""Pages may wait; sound, which other processes of this machine carry, may not."""
STOP_S = 2.0


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every request that is none
    os.nice(NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what is left to do when uvicorn has stopped
    config = Config.from_environment()
    app = create_app(config)
    Server(app, config, Limits()).run()
    app.extensions["events"].wait_until_closed(STOP_S)


if __name__ == "__main__":
    main()
