"""GET /healthz: whether every part works, for the launcher, a container engine or a monitor. It says which is down, never why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp.core import config, disk, http_probe
from webapp.core.database import db
from webapp.openapi import schemas
from webapp.openapi.operations import Operation

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)

DISK_SPARE_MB = 56
"""Above the mark at which recording stops: a quarter of an hour of a voice in FLAC."""

PART = schemas.one_of("ok", "down")
HEALTH = schemas.record(
    {
        "status": PART,
        "parts": schemas.record({"database": PART, "audio_server": PART, "noise_remover": PART, "disk": PART}),
    },
    title="Health",
)


@blueprint.get("/healthz")
@Operation("Whether every part works", login=False, answers={200: HEALTH, 503: HEALTH})
def healthz() -> ResponseReturnValue:
    settings = config.current_config()
    checks: Mapping[str, Callable[[], bool]] = {
        "database": _database_answers,
        "audio_server": lambda: http_probe.ask(settings.livekit_url).ok,
        "noise_remover": lambda: settings.agent_health_url is not None and http_probe.ask(settings.agent_health_url).ok,
        "disk": lambda: disk.has_room(settings.recordings, settings.low_water_mb + DISK_SPARE_MB),
    }
    parts = {name: "ok" if check() else "down" for name, check in checks.items()}
    healthy = all(state == "ok" for state in parts.values())
    return {"status": "ok" if healthy else "down", "parts": parts}, 200 if healthy else 503


def _database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        log.exception("database does not answer")
        return False
    return True
