"""Stores how good the sound of a person's streams is to be."""

from __future__ import annotations

from flask_babel import lazy_gettext

from contract.messages import QUALITIES
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import User

WORDS = {
    "voice": (lazy_gettext("Voice"), lazy_gettext("32 kbit/s. For slow connections; speech stays clear.")),
    "standard": (
        lazy_gettext("Standard"),
        lazy_gettext("64 kbit/s, sent twice in case packets get lost. Right for nearly everybody."),
    ),
    "music": (
        lazy_gettext("Music"),
        lazy_gettext(
            "128 kbit/s, recorded in stereo, without noise removal: everything around you is heard. Use headphones.",
        ),
    ),
}
"""Name and explanation of each."""


def change(user: User, quality: str) -> None:
    """Set the quality, from the next stream on. Raises Invalid."""
    if quality not in QUALITIES:
        raise Invalid.choice("quality", QUALITIES)
    user.quality = quality
    db.session.commit()
