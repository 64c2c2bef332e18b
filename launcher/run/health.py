"""Asks a running Stillair for its health: `GET /healthz` of the web app."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Health:
    ok: bool
    down: tuple[str, ...] = field(default=())  # names of the parts that do not work
    answered: bool = True


def ask(local_url: str) -> Health:
    """Ask, and never raise: no answer is an answer, too."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is never behind its own proxy
    try:
        with direct.open(f"{local_url}/healthz", timeout=TIMEOUT_S) as answer:
            return _read(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.read())
    except OSError:
        return Health(ok=False, answered=False)


def _read(status: int, body: bytes) -> Health:
    try:
        parts = json.loads(body)["parts"]
        down = tuple(str(name) for name, state in parts.items() if state != "ok")
    except (ValueError, KeyError, TypeError, AttributeError):
        down = ()
    return Health(ok=status == 200, down=down)


if __name__ == "__main__":  # a container engine's health check
    sys.exit(not ask(sys.argv[1]).ok)
