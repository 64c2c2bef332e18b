"""GET /healthz: whether every part works, for the launcher, a container engine or a monitor. It says which is down, never why."""

from __future__ import annotations

import logging
from typing import Literal

from flask import Blueprint
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import TypedDict

from webapp.core import config, disk, http_probe, noise_remover
from webapp.core.database import db
from webapp.openapi.operations import operation

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)

DISK_SPARE_MB = 56
"""Above the mark at which recording stops: a quarter of an hour of a voice in FLAC."""

State = Literal["ok", "down"]


class Parts(TypedDict):
    database: State
    audio_server: State
    noise_remover: State
    disk: State


class Health(TypedDict):
    status: State
    parts: Parts


@blueprint.get("/healthz")
@operation(login=False, answers={200: Health, 503: Health})
def healthz() -> tuple[Health, int]:
    """Whether every part works."""
    settings = config.current_config()
    parts: Parts = {
        "database": _state(_database_answers()),
        "audio_server": _state(http_probe.ask(settings.livekit_url).ok),
        "noise_remover": _state((health := noise_remover.health()) is not None and health.ok),
        "disk": _state(disk.has_room(settings.recordings, settings.low_water_mb + DISK_SPARE_MB)),
    }
    healthy = set(parts.values()) == {"ok"}
    return {"status": _state(healthy), "parts": parts}, 200 if healthy else 503


def _state(works: bool) -> State:
    return "ok" if works else "down"


def _database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
        db.session.commit()  # the other components are asked next
    except SQLAlchemyError:
        log.exception("database does not answer")
        db.session.rollback()
        return False
    return True
