from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.studio import Studio, Writer


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path / "recordings")


@pytest.fixture
def writers() -> Iterator[Callable[..., Writer]]:
    started: list[Writer] = []

    def start(*arguments: object) -> Writer:
        started.append(Writer(*arguments))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for writer in started:
        writer.process.kill()
        writer.process.wait()
