"""docs/events.md lists the kinds of events, and so does the module of the pages that follows them."""

import re
from pathlib import Path

from webapp.events.kinds import KINDS, fields

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "events.md").read_text()
SCRIPT = (ROOT / "webapp" / "static" / "js" / "lib" / "events.js").read_text()


def test_the_table_of_the_document_names_exactly_the_kinds_of_the_code():
    listed = re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)?)` \|", DOCUMENT, re.MULTILINE)
    assert sorted(listed) == sorted(KINDS)


def test_the_table_names_the_fields_of_every_kind():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*?) \|", DOCUMENT, re.MULTILINE))
    named = {kind: set(re.findall(r"`([a-z_]+)`", row)) for kind, row in rows.items()}
    assert named == {kind: set(fields(kind)) for kind in KINDS}


def test_pages_follow_every_kind():
    [body] = re.findall(r"const KINDS = \[(.*?)\];", SCRIPT, re.DOTALL)
    assert sorted(re.findall(r'"([a-z_.]+)"', body)) == sorted(KINDS)
