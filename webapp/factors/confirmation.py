"""Asks who is logged in to show the password or the second factor again before what would help a thief most.

Somebody who sits down at an open browser has the log-in, but neither of those. Showing one counts for this log-in for ten
minutes, as logging in itself does. An access token cannot do what needs a confirmation.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from webapp.accounts import accounts, sessions
from webapp.core.database import db
from webapp.core.errors import ApiError, ConfirmationRequired, Invalid
from webapp.factors import passkeys, second_factor
from webapp.models import LoginSession, User, now
from webapp.security import login_throttle

LIFETIME = timedelta(minutes=10)
PASSWORD, CODE, PASSKEY = "confirm_password", "confirm_code", "confirm_passkey"  # fields of a form, beside its own

View = Callable[..., ResponseReturnValue]


def confirmed(view: View) -> View:
    """Decorate a view that is open only for ten minutes after a confirmation."""

    @wraps(view)
    def answer(**arguments: object) -> ResponseReturnValue:
        check()
        return view(**arguments)

    return answer


def check(back: str = "") -> None:
    """Raise ConfirmationRequired unless the current log-in is confirmed, or the form that was sent confirms it.

    People are asked on a page (webapp.core.errors). That page sends the form again, together with the password or the code, so
    nothing that was filled in is lost. `back`: where somebody is led who has opened a link and confirms.
    """
    log_in = sessions.log_in_of(current_user)
    if _is_fresh(log_in):
        return
    sent = request.form
    if request.method != "POST" or sent.keys().isdisjoint((PASSWORD, CODE, PASSKEY)):
        raise ConfirmationRequired(methods(current_user), back=back)
    try:
        confirm(current_user, sent.get(PASSWORD, ""), sent.get(CODE, ""), sent.get(PASSKEY, ""))
    except ApiError as error:
        raise ConfirmationRequired(methods(current_user), problem=error) from error


def confirm(user: User, password: str, code: str, passkey: str = "") -> datetime:
    """Confirm the current log-in by the password, a code or a passkey. Returns until when that counts.

    Raises Invalid naming `password`, `code` or `passkey`, and TooMany: failures count for this log-in.
    """
    log_in = sessions.log_in_of(user)
    if passkey:
        if passkeys.accept(passkey).id != user.id:
            raise Invalid.field("passkey", _("This passkey belongs to another account."))
    elif code:
        second_factor.check_code(user, code, login_throttle.of_login(log_in.id))
    elif not accounts.confirm_password(user, password, request.remote_addr or ""):
        raise Invalid.field("password", _("The password is wrong."))
    log_in.confirmed_at = now()
    db.session.commit()
    return log_in.confirmed_at + LIFETIME


def methods(user: User) -> list[str]:
    """Return by what the person can confirm."""
    factors = second_factor.factors_of(user)
    found = {"password": True, "code": factors.app, "passkey": bool(factors.passkeys)}
    return [name for name, has in found.items() if has]


def _is_fresh(log_in: LoginSession) -> bool:
    return log_in.confirmed_at is not None and log_in.confirmed_at > now() - LIFETIME
