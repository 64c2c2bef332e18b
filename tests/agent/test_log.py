"""Log lines."""

import logging

import pytest

from agent.log import Formatter


def line(message, *, error=None, **data):
    record = logging.makeLogRecord(
        {"name": "agent.live.session", "levelname": "WARNING", "msg": message, "exc_info": error, **data}
    )
    return Formatter().format(record)


def test_data_stands_behind_the_message():
    assert line("Late", behind_ms=120, room="studio-1").endswith("WARNING agent.live.session Late behind_ms=120 room='studio-1'")


@pytest.mark.parametrize("foreign", ["a\nb", "a\r\nb", "a\rb"])
def test_nothing_that_comes_from_outside_begins_a_new_line(foreign):
    assert len(line(foreign, text=foreign).splitlines()) == 1


def test_an_error_keeps_its_traceback():
    try:
        raise ValueError("broken")
    except ValueError as error:
        text = line("Part of a session failed", error=(ValueError, error, error.__traceback__))
    assert "Traceback" in text
    assert text.endswith("ValueError: broken")
