"""What docs/threat-model.md promises is tried by the tests that it names."""

import ast
import re

from launcher.settings import ROOT

TEXT = (ROOT / "docs" / "threat-model.md").read_text()


def test_every_test_that_it_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    tests = {
        path: {node.name for node in ast.parse((ROOT / path).read_text()).body if hasattr(node, "name")} for path, _ in named
    }
    assert len(named) > 24
    assert [f"{path}::{name}" for path, name in named if name not in tests[path]] == []


def test_every_rule_has_a_test():
    rows = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 30))
    assert [number for number, tests in rows if "::" not in tests] == []
