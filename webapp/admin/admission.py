"""Guards the admin's pages, as their `before_request`."""

from __future__ import annotations

from flask import request
from flask_login import current_user

from webapp.core.database import db
from webapp.core.errors import NotFound, NotLoggedIn, SecondFactorRequired, TooMany
from webapp.factors import confirmation, requirement
from webapp.security import audit, rate_limits


def admit() -> None:
    """Let admins in who have a second factor if it is required of them, and let them act only after a confirmation.

    Raises NotLoggedIn, NotFound for whoever is no admin, SecondFactorRequired and ConfirmationRequired.
    """
    if not current_user.is_authenticated:
        raise NotLoggedIn
    if not current_user.is_admin:
        if request.method == "POST":
            _record_refusal()
        raise NotFound
    if requirement.keeps_out(current_user):
        raise SecondFactorRequired
    if request.method == "POST":
        confirmation.check()


def _record_refusal() -> None:
    """Write into the audit log that somebody has tried to act as an admin, but not so often that nothing else can be found."""
    try:
        rate_limits.check("admin refused", current_user.id)
    except TooMany:
        return
    rate_limits.record("admin refused", current_user.id)
    audit.record(current_user, "admin.refused", current_user, request.path)
    db.session.commit()
