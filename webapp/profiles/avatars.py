"""Manages the pictures that people show instead of their initials.

Each new picture has an address of its own, which never shows another.
"""

from __future__ import annotations

import logging

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.errors import Conflict, NotFound
from webapp.friends import blocks
from webapp.models import User, new_id
from webapp.profiles import images, profiles
from webapp.profiles.avatar_files import ID, AvatarFolder
from webapp.security import rate_limits

log = logging.getLogger(__name__)


def init_app(app: Flask, config: Config) -> None:
    app.extensions["avatars"] = AvatarFolder(config.data / "avatars")
    images.init_app(app)


def folder() -> AvatarFolder:
    found: AvatarFolder = current_app.extensions["avatars"]
    return found


def change(user: User, data: bytes) -> None:
    """Replace the person's picture. `data`: a picture as it was sent.

    Raises Invalid naming `avatar`, TooMany, or Conflict when it cannot be kept.
    """
    rate_limits.count("picture", user.id)
    db.session.commit()  # every try costs a second of work, whatever becomes of it
    made = images.square(data)
    avatar_id = new_id()
    try:
        folder().add(avatar_id, made)
    except OSError as error:
        log.exception("an avatar was not written")
        raise Conflict(_("Not saved: the server could not write the file. Its admin can see why in its log.")) from error
    _replace(user, avatar_id)


def remove(user: User) -> None:
    _replace(user, None)


def picture_for(viewer: User, avatar_id: str) -> bytes:
    """Return a picture for anybody who knows its address, except for those whom its owner has blocked. Raises NotFound."""
    owner = db.session.scalar(select(User).where(User.avatar == avatar_id)) if ID.fullmatch(avatar_id) else None
    found = folder().read(avatar_id) if owner is not None and not blocks.has_blocked(owner, viewer) else None
    if found is None:
        raise NotFound
    return found


def _replace(user: User, avatar_id: str | None) -> None:
    old, user.avatar = user.avatar, avatar_id
    profiles.publish_change(user)
    db.session.commit()
    if old is not None:
        folder().delete(old)
