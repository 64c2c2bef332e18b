"""Finds free ports for the tests, below those that the system hands out for connections."""

import os
import random

from contract.settings import PORT_BLOCK
from launcher.run.ports import Ports, is_free

RANGE = os.environ.get("STILLAIR_TEST_PORTS", "20000-29999")
"""FIRST-LAST. Set it if several test runs share a machine."""


def some_free_block(count: int = 1) -> int:
    """Returns the first port of `count` adjacent free blocks. Each worker of a test run has its own share of the range."""
    first, last = map(int, RANGE.split("-"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (last + 1 - first) // workers // PORT_BLOCK * PORT_BLOCK
    first += number * share
    starts = list(range(first, first + share - count * PORT_BLOCK + 1, PORT_BLOCK))
    random.shuffle(starts)
    for start in starts:
        if all(is_free(port) for block in range(count) for port in Ports(start + block * PORT_BLOCK)):
            return start
    raise RuntimeError(f"no free block of ports in {RANGE}")
