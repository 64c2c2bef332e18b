"""Forms as a browser without JavaScript sends them."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.webapp.conftest import Person


def submit(person: Person, path: str, **fields: Any) -> TestResponse:
    """With the CSRF token; follows the redirect."""
    return person.client.post(path, data={"csrf_token": person.csrf_token, **fields}, follow_redirects=True)
