"""Without a browser the tests fail and say how to get one; they never skip it silently."""

import pytest

from launcher.console import Console
from launcher.problem import Problem
from launcher.setup import chromium, debian


def program(path, text="#!/bin/sh\nexit 1\n"):
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine where nothing is on PATH but what the test puts there, and a Python without Playwright."""
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    return path


def test_a_machine_without_chromium_is_told_how_to_get_it(machine, tmp_path):
    with pytest.raises(Problem) as caught:
        chromium.find(program(tmp_path / "python"), Console())
    assert "Chromium" in caught.value.what
    assert "apt-get install chromium" in caught.value.next_step


def test_the_one_on_path_is_taken(machine, tmp_path):
    found = program(machine / "chromium")
    assert chromium.find(program(tmp_path / "python"), Console()) == found


def test_playwrights_own_is_taken(machine, tmp_path):
    own = program(tmp_path / "chrome")
    assert chromium.find(program(tmp_path / "python", f"#!/bin/sh\necho {own}\n"), Console()) == own


def test_a_chosen_browser_that_is_none_is_named(machine, tmp_path, monkeypatch):
    monkeypatch.setenv(chromium.VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(Problem, match=chromium.VARIABLE):
        chromium.find(program(tmp_path / "python"), Console())


def test_a_program_that_tests_need_is_named_with_its_package(machine):
    with pytest.raises(Problem, match="flac") as caught:
        debian.need({"flac": "flac"}, Console())
    assert "apt-get install flac" in caught.value.next_step


def test_a_program_that_is_here_needs_nothing(machine):
    program(machine / "flac")
    debian.need({"flac": "flac"}, Console())


def test_a_package_that_cannot_be_fetched_is_named(machine):
    with pytest.raises(Problem, match="no-such-package") as caught:
        debian.unpack("no-such-package", Console())
    assert "apt-get install no-such-package" in caught.value.next_step
