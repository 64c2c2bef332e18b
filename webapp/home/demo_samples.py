"""Fetches the samples of "Hear the difference", which the noise remover of this server cleans (agent.samples)."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from webapp.core import http_probe
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import Busy, NotFound

NAMES = {
    "kitchen": lazy_gettext("Kitchen: extractor fan and dishes"),
    "street": lazy_gettext("Street: traffic"),
    "typing": lazy_gettext("Office: typing"),
}
SOUNDS = ("clean", "original")
CLEANING_S = 20.0  # for the first one who asks; some seconds are usual


def description(name: str) -> http_probe.Answer:
    """Return JSON with the meter's readings and the picture. Raises NotFound, and Busy while there is no noise remover."""
    return _ask(name, "")


def sound(name: str, which: str) -> http_probe.Answer:
    """Return a FLAC. Raises as `description` does."""
    if which not in SOUNDS:
        raise NotFound
    return _ask(name, f"/{which}.flac")


def _ask(name: str, rest: str) -> http_probe.Answer:
    if name not in NAMES:
        raise NotFound
    url = current_config().agent_health_url
    db.session.commit()  # whoever is logged in has been read by now
    answer = http_probe.ask(url, f"samples/{name}{rest}", CLEANING_S) if url else http_probe.Answer(0)
    if not answer.ok:
        raise Busy(_("The noise remover is not ready yet. Try again in a few seconds."), retry_after_s=3)
    return answer
