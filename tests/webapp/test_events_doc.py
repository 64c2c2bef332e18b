"""docs/events.md lists the kinds of events, and so does the module of the pages that follows them."""

import re
from pathlib import Path

from webapp.events.outbox import KINDS

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "events.md").read_text()
SCRIPT = (ROOT / "webapp" / "static" / "js" / "lib" / "events.js").read_text()


def test_the_table_of_the_document_names_exactly_the_kinds_of_the_code():
    listed = re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)?)` \|", DOCUMENT, re.MULTILINE)
    assert sorted(listed) == sorted(KINDS)


def fields(text):
    """KINDS names the fields first; behind a semicolon it says when an event is told."""
    named = re.sub(r"\(.*?\)", "", text.partition(";")[0])
    return [] if named.startswith("nothing") else [field.strip() for field in named.split(",")]


def test_the_table_names_every_field_that_the_code_names():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*?) \|", DOCUMENT, re.MULTILINE))
    missing = {kind: field for kind, text in KINDS.items() for field in fields(text) if f"`{field}`" not in rows.get(kind, "")}
    assert missing == {}


def test_pages_follow_every_kind():
    [body] = re.findall(r"const KINDS = \[(.*?)\];", SCRIPT, re.DOTALL)
    assert sorted(re.findall(r'"([a-z_.]+)"', body)) == sorted(KINDS)
