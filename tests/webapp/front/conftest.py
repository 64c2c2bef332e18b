from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.webapp.conftest import Person


@pytest.fixture
def cookie() -> Callable[[Person], str]:
    """The header by which a raw request is one of this person's browser."""

    def cookie(person: Person) -> str:
        found = person.client.get_cookie("stillair_8000")
        return f"Cookie: {found.key}={found.value}"

    return cookie
