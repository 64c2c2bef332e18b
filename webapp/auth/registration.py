"""Decides who may register: everybody, those with an invite link, or nobody.

The first account may always be made, with the set-up link, and is the admin's.
"""

from __future__ import annotations

from enum import StrEnum

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from webapp.accounts import accounts
from webapp.auth import invites, set_up
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import Forbidden, Invalid
from webapp.models import Setting, User
from webapp.security import audit, rate_limits
from webapp.security.addresses import network_of

KEY = "registration"


class Mode(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


REFUSALS = {
    Mode.INVITE: (lazy_gettext("You need an invite link to register here. Ask a friend for one."), "invite_needed"),
    Mode.CLOSED: (lazy_gettext("Registration is closed here. Ask the admin for an account."), "registration_closed"),
}


SET_UP_NEEDED = lazy_gettext(
    "This server is new. Open the set-up link that was printed at its start; ./stillair web set-up prints it again."
)


def mode() -> Mode:
    """Return what the admin has chosen; before that, the setting STILLAIR_REGISTRATION."""
    chosen = db.session.get(Setting, KEY)
    return Mode(chosen.value if chosen else current_config().registration)


def choose(admin: User, wanted: str) -> None:
    """Choose who may register. Raises Invalid."""
    if wanted not in list(Mode):
        raise Invalid.field("registration", _("Choose one of the three options."))
    if wanted != mode():
        audit.record(admin, "registration.chosen", detail=wanted)
    db.session.merge(Setting(key=KEY, value=wanted))
    db.session.commit()


def refusal(invite_id: str, set_up_token: str = "") -> Forbidden | None:
    """Return why nobody can register now with this invite link or set-up link ("" for none), or None."""
    if set_up.is_first():
        return None if set_up.admits(set_up_token) else Forbidden(str(SET_UP_NEEDED), code="set_up_needed")
    current = mode()
    if current is Mode.OPEN or (current is Mode.INVITE and invite_id):
        return None
    message, code = REFUSALS[current]
    return Forbidden(str(message), code=code)


def register(username: str, password: str, address: str, invite_id: str = "", set_up_token: str = "") -> User:
    """Make an account, and with an invite link a friendship. The first one takes the set-up link (webapp.auth.set_up).

    Raises as `accounts.add` does, and Forbidden, TooMany, NotFound or Gone.
    """
    if refused := refusal(invite_id, set_up_token):
        raise refused
    invite = invites.invite_for_guest(invite_id) if invite_id else None
    rate_limits.check("registration", network_of(address))
    user = accounts.add(username, password)
    if not user.is_admin and (refused := refusal(invite_id)):  # two were first at the same moment
        db.session.rollback()
        raise refused
    rate_limits.count("registration", network_of(address))
    if invite is not None:
        invites.use(invite, user)
    if user.is_admin and set_up_token:
        audit.record(user, "server.set_up", user)
    db.session.commit()
    if user.is_admin:
        set_up.withdraw()
    return user
