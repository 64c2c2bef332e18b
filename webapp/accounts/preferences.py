"""How somebody wants to have the pages. Kept on the server, so that a page has it from its first paint, in every browser."""

from __future__ import annotations

from flask_babel import gettext as _

from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import User

THEMES = ("system", "light", "dark")


def set_theme(user: User, theme: str) -> None:
    """Raises Invalid."""
    if theme not in THEMES:
        raise Invalid.field("theme", _("Choose one of the three."))
    user.theme = theme
    db.session.commit()


def set_shortcuts(user: User, shortcuts: bool) -> None:
    user.shortcuts = shortcuts
    db.session.commit()
