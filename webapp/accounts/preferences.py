"""Stores how somebody wants the pages to look and work.

The server keeps it, so that every browser has it from its first paint.
"""

from __future__ import annotations

from flask_babel import gettext as _

from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import User

THEMES = ("system", "light", "dark")


def set_theme(user: User, theme: str) -> None:
    """Set the person's colours: one of THEMES. Raises Invalid."""
    if theme not in THEMES:
        raise Invalid.field("theme", _("Choose one of the three options."))
    user.theme = theme
    db.session.commit()


def set_shortcuts(user: User, shortcuts: bool) -> None:
    user.shortcuts = shortcuts
    db.session.commit()
