"""Flask extensions that are not the database, bound to the app in `create_app`."""

from __future__ import annotations

from flask import g
from flask_login import LoginManager
from flask_wtf import CSRFProtect


class CsrfOrToken(CSRFProtect):  # type: ignore[misc]     # Flask-WTF has no types
    """Asks for a CSRF token of whoever has no access token (webapp.accounts.bearer_auth)."""

    def protect(self, apply_exemptions: bool = False) -> None:
        if "access_token" not in g:
            super().protect(apply_exemptions)


login_manager = LoginManager()
csrf = CsrfOrToken()
