"""A new column with a text needs its place in tests/webapp/support/stored_texts.py."""

from __future__ import annotations

from sqlalchemy import JSON, String

import webapp.models  # noqa: F401  # the tables
from tests.webapp.support.stored_texts import CHOSEN, fixed
from webapp.core.database import Base


def test_every_text_that_is_stored_has_its_entry():
    texts = {
        f"{table.name}.{column.key}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON)
    }
    assert texts == CHOSEN | fixed()
    assert not CHOSEN & fixed()
