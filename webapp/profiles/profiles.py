"""Manages what people say of themselves, and who finds them."""

from __future__ import annotations

from flask_babel import gettext as _

from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.core.text import clean, is_visible
from webapp.events import outbox
from webapp.friends import requests
from webapp.models import Event, User

DISPLAY_NAME_LENGTH = 64
ABOUT_LENGTH = 160


def change(user: User, *, display_name: str, about: str) -> None:
    """Set name and about text, and tell the pages that show them. Raises Invalid."""
    name, line = clean(display_name), clean(about)
    if not is_visible(name) or len(name) > DISPLAY_NAME_LENGTH:
        raise Invalid.field("display_name", _("Use 1 to %(count)d characters.", count=DISPLAY_NAME_LENGTH))
    if len(line) > ABOUT_LENGTH:
        raise Invalid.field("about", _("Use at most %(count)d characters.", count=ABOUT_LENGTH))
    user.display_name, user.about = name, line if is_visible(line) else ""
    outbox.rewrite(Event.author_id == user.id, display_name=name)
    publish_change(user)
    db.session.commit()


def publish_change(user: User) -> None:
    """Tell the pages of friends, of open requests and the person's own, once the current transaction is committed."""
    news = {"username": user.username, "display_name": user.display_name, "avatar": user.avatar_url}
    outbox.take_back(Event.author_id == user.id, Event.kind == "friend.renamed")
    outbox.publish([user.id, *requests.acquaintance_ids(user)], "friend.renamed", news, author=user)


def set_exact_name_only(user: User, exact_name_only: bool) -> None:
    """Choose whether strangers find the person only by the whole user name, or by parts of both names too."""
    user.exact_name_only = exact_name_only
    db.session.commit()
