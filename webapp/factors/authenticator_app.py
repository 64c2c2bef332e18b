"""Manages authenticator apps, which show a code of six digits that changes every 30 s (TOTP, RFC 6238).

The server has to know the secret of the app to check a code, so it is kept sealed. A code is taken for one step before and after
its own, because clocks differ, and only once.
"""

from __future__ import annotations

import hmac
import time
from urllib.parse import urlsplit

import pyotp
from flask_babel import gettext as _
from sqlalchemy import delete, update

from webapp.core.config import current_config
from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict
from webapp.models import AuthenticatorApp, User, now
from webapp.security import sealing

STEP_S = 30
STEPS = (0, -1, 1)  # that a code may be off
PURPOSE = "authenticator app"


def begin(user: User) -> None:
    """Make a secret for an app, which counts only after `confirm`. Raises Conflict when there is an app already."""
    found = _app(user)
    if found is not None and found.confirmed_at is not None:
        raise Conflict(_("You have an authenticator app already. Remove it first."))
    if found is not None:
        db.session.delete(found)
        db.session.flush()
    db.session.add(AuthenticatorApp(user_id=user.id, secret=sealing.seal(pyotp.random_base32(), PURPOSE)))
    db.session.commit()


def new_secret(user: User) -> str | None:
    """Return the secret that the person's app is to learn, until a code has confirmed that it has."""
    found = _app(user)
    return _secret(found) if found is not None and found.confirmed_at is None else None


def address(user: User, secret: str) -> str:
    """Return the secret as apps read it from a QR code. It names the server, for people with accounts on several."""
    host = urlsplit(current_config().public_url).hostname or ""
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=f"Stillair {host}".replace(":", "-"))


def confirm(user: User, code: str) -> bool:
    """Make the new app count if it shows this code, in the current transaction."""
    found = _app(user)
    if found is None or found.confirmed_at is not None or not _use(found, code):
        return False
    found.confirmed_at = now()
    return True


def accept(user: User, code: str) -> bool:
    """Use a code up, in the current transaction. Returns whether it counted."""
    found = _app(user)
    return found is not None and found.confirmed_at is not None and _use(found, code)


def is_on(user: User) -> bool:
    found = _app(user)
    return found is not None and found.confirmed_at is not None


def remove(user: User) -> bool:
    """Remove the app, in the current transaction. Returns whether there was one that counted."""
    mine = AuthenticatorApp.user_id == user.id, AuthenticatorApp.confirmed_at.is_not(None)
    return bool(affected_rows(delete(AuthenticatorApp).where(*mine)))


def _use(app: AuthenticatorApp, code: str) -> bool:
    """Take a code unless it, or a later one, has been taken before: the row decides, also between two requests."""
    step = _step_of(app, code)
    if step is None:
        return False
    unused = AuthenticatorApp.user_id == app.user_id, AuthenticatorApp.last_step < step
    return bool(affected_rows(update(AuthenticatorApp).where(*unused).values(last_step=step)))


def _step_of(app: AuthenticatorApp, code: str) -> int | None:
    """Return the number of the 30 s that the code belongs to, of those that count now."""
    secret = _secret(app)
    if secret is None:
        return None
    current = int(time.time()) // STEP_S
    shown = {current + off: pyotp.TOTP(secret).generate_otp(current + off) for off in STEPS}
    return next((step for step, right in shown.items() if hmac.compare_digest(right.encode(), code.encode())), None)


def _secret(app: AuthenticatorApp) -> str | None:
    return sealing.opened(app.secret, PURPOSE)


def _app(user: User) -> AuthenticatorApp | None:
    return db.session.get(AuthenticatorApp, user.id)
