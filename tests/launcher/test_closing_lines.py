"""What `./stillair test` says at its end of tests that were tried a second time."""

import sys
from pathlib import Path

from launcher.test import Outcome, Result, _pytest

FLAKY = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("what", ["one", "two"])
def test_flaky(what):
    seen = Path(__file__).parent / what
    was_there = seen.exists()
    seen.touch()
    assert was_there

def test_steady():
    pass
"""


def test_what_needed_a_second_try_is_named_when_workers_share_the_tests(tmp_path):
    (tmp_path / "test_it.py").write_text(FLAKY)
    outcome = _pytest(Path(sys.executable), ["--reruns=1", "--numprocesses=2", f"--rootdir={tmp_path}", str(tmp_path)], {})
    assert outcome.status == 0
    assert sorted(outcome.second_tries) == ["test_it.py::test_flaky[one]", "test_it.py::test_flaky[two]"]


def test_a_closing_line_names_them():
    assert str(Result("unit", Outcome(1), 12.6)) == "unit         FAILED     13 s"
    assert str(Result("e2e", Outcome(0, ("a::b",)), 601.4)) == "e2e          passed    601 s  (1 test needed a second try: a::b)"
    assert str(Result("e2e", Outcome(0, ("a", "b")), 601.4)).endswith("(2 tests needed a second try: a, b)")
