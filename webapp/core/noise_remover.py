"""Reads the noise remover's health page (agent.live.health_page): whether streams can come, and how many at once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from webapp.core import http_probe
from webapp.core.config import current_config


@dataclass(frozen=True)
class Slots:
    """Streams that can be cleaned at once."""

    taken: int
    total: int

    @property
    def free(self) -> int:
        return max(0, self.total - self.taken)


@dataclass(frozen=True)
class Health:
    """What the noise remover says of itself. A page that cannot be read leaves the defaults."""

    ok: bool  # by the status of its answer
    registered: bool = False  # with the audio server, which can send it streams only then
    slots: Slots | None = None
    workers: tuple[str, ...] = ()  # how far each worker that runs has fallen back: "well", "full" or "shedding"
    wanted_workers: int = 0  # how many should run


def health() -> Health | None:
    """Ask the noise remover how it is. Returns None when it does not answer, or when its address is not configured.

    It takes up to http_probe.TIMEOUT_S, so no database transaction may be open.
    """
    url = current_config().agent_health_url
    answer = http_probe.ask(url) if url is not None else http_probe.Answer(0)
    if not answer.status:
        return None
    try:
        found = json.loads(answer.body)
        slots = Slots(int(found["taken"]), int(found["places"]))
        workers = tuple(str(worker["desk"]) for worker in found.get("workers", ()))
        return Health(answer.ok, bool(found.get("registered")), slots, workers, int(found.get("wanted_workers", 0)))
    except (ValueError, KeyError, TypeError, OverflowError):
        return Health(answer.ok)
