"""Guards the admin's pages, as their `before_request`."""

from __future__ import annotations

from flask import request
from flask_login import current_user

from webapp.core.errors import NotFound, NotLoggedIn
from webapp.factors import confirmation


def admit() -> None:
    """Let admins in, and let them act only after a confirmation.

    Raises NotLoggedIn, NotFound for whoever is no admin, and ConfirmationRequired.
    """
    if not current_user.is_authenticated:
        raise NotLoggedIn
    if not current_user.is_admin:
        raise NotFound
    if request.method == "POST":
        confirmation.check()
