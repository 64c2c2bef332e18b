"""Lets an admin require a second factor of admins. One who has none is led to set it up before the admin pages open."""

from __future__ import annotations

from sqlalchemy import select

from webapp.core.database import db
from webapp.factors import second_factor
from webapp.models import Setting, User
from webapp.security import audit

KEY = "admins_need_second_factor"


def is_on() -> bool:
    return db.session.get(Setting, KEY) is not None


def choose(admin: User, on: bool) -> None:
    """Require a second factor of admins from now on, or not any more."""
    found = db.session.get(Setting, KEY)
    if on == (found is not None):
        return
    audit.record(admin, "factors.required" if on else "factors.optional")
    if found is None:
        db.session.add(Setting(key=KEY, value="yes"))
    else:
        db.session.delete(found)
    db.session.commit()


def keeps_out(user: User) -> bool:
    """Return whether an admin has to set a second factor up first. That is always possible, so nobody is locked out."""
    return user.is_admin and is_on() and not second_factor.is_on(user)


def admins_without() -> list[User]:
    """Return the admins who have no second factor."""
    admins = db.session.scalars(select(User).where(User.is_admin).order_by(User.username_key))
    return [admin for admin in admins if not second_factor.is_on(admin)]
