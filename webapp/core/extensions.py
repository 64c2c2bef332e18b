"""Holds the Flask extensions that are not the database. `create_app` binds them to the app."""

from __future__ import annotations

from flask import g
from flask_login import LoginManager
from flask_wtf import CSRFProtect


class CsrfOrToken(CSRFProtect):  # type: ignore[misc]     # Flask-WTF has no types
    """Asks for a CSRF token unless the request carries an access token (webapp.accounts.bearer_auth)."""

    def protect(self, apply_exemptions: bool = False) -> None:
        if "access_token" not in g:
            super().protect(apply_exemptions)


login_manager = LoginManager()
csrf = CsrfOrToken()
