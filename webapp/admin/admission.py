"""Guards the admin's pages, as their `before_request`."""

from __future__ import annotations

from flask import request
from flask_login import current_user

from webapp.core.errors import NotFound, NotLoggedIn, SecondFactorRequired
from webapp.factors import confirmation, requirement


def admit() -> None:
    """Let admins in who have a second factor if it is required of them, and let them act only after a confirmation.

    Raises NotLoggedIn, NotFound for whoever is no admin, SecondFactorRequired and ConfirmationRequired.
    """
    if not current_user.is_authenticated:
        raise NotLoggedIn
    if not current_user.is_admin:
        raise NotFound
    if requirement.keeps_out(current_user):
        raise SecondFactorRequired
    if request.method == "POST":
        confirmation.check()
