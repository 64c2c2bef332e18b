"""A pytest plugin that writes down which tests were tried a second time, so that `./stillair test` can name them at its end."""

from pathlib import Path

import pytest

OPTION = "--second-tries"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, metavar="FILE", help="gets the names of tests that were tried again, one a line")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Runs once for the whole run, also where several workers shared the tests. The same test may stand there more than once."""
    file: Path | None = config.getoption(OPTION)
    if file is not None:
        names = dict.fromkeys(report.nodeid for report in terminalreporter.getreports("rerun"))
        file.write_text("".join(f"{name}\n" for name in names))
