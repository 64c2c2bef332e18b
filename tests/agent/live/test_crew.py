"""How the places are shared between the workers. What becomes of one that dies is tests/integration/live/test_recovery.py."""

import pytest

from agent.live.crew import shares


@pytest.mark.parametrize(
    ("capacity", "workers", "expected"),
    [(8, 2, [4, 4]), (7, 2, [4, 3]), (1, 4, [1]), (3, 3, [1, 1, 1]), (20, 1, [20])],
)
def test_every_place_is_given_once_and_no_worker_has_none(capacity, workers, expected):
    assert shares(capacity, workers) == expected
