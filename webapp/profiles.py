"""What people say of themselves."""

from __future__ import annotations

from flask_babel import gettext as _

from webapp import events, friendships
from webapp.errors import Invalid
from webapp.extensions import db
from webapp.models import User
from webapp.text import clean, is_visible

DISPLAY_NAME_LENGTH = 64


def change_display_name(user: User, display_name: str) -> None:
    """Pages that show the name follow. Raises Invalid."""
    name = clean(display_name)
    if not is_visible(name) or len(name) > DISPLAY_NAME_LENGTH:
        raise Invalid.field("display_name", _("Use 1 to %(count)d characters.", count=DISPLAY_NAME_LENGTH))
    audience = [user.id, *friendships.acquaintance_ids(user)]
    user.display_name = name
    events.publish(audience, "friend.renamed", {"username": user.username, "display_name": name})
    db.session.commit()
