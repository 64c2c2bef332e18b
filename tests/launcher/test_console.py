import io
import time

import pytest

from launcher import console as console_module
from launcher.console import Console


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def quick(monkeypatch):
    """A second is too long for a test."""
    monkeypatch.setattr(console_module, "SHOWN_AFTER_S", 0.02)


def wait_for(stream, text):
    deadline = time.monotonic() + 5
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.005)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_long_wait_says_what_it_waits_for_and_when_it_is_over(stream):
    stream = stream()
    with Console(stream).step("Installing Python packages"):
        wait_for(stream, "Installing Python packages ...")
    assert stream.getvalue().endswith("Installing Python packages: done in 0 s\n")


def test_a_short_wait_says_nothing():
    stream = io.StringIO()
    with Console(stream).step("Looking"):
        pass
    assert stream.getvalue() == ""


@pytest.mark.usefixtures("quick")
def test_the_detail_of_a_wait_is_shown():
    stream = Terminal()
    with Console(stream).step("Starting") as step:
        step.detail = "waiting for the noise remover"
        wait_for(stream, "Starting (waiting for the noise remover) ...")


@pytest.mark.usefixtures("quick")
def test_a_wait_that_fails_says_so():
    stream = io.StringIO()

    def build():
        with Console(stream).step("Building"):
            wait_for(stream, "Building ...")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        build()
    assert "Building: broken off" in stream.getvalue()
