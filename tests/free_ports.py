"""Ports for the tests: a block that nobody uses, below those that the system hands out for connections."""

import os
import random

from launcher.run.ports import BLOCK, Ports, is_free

RANGE = os.environ.get("STILLAIR_TEST_PORTS", "20000-29999")
"""FIRST-LAST; set it where several test runs share a machine."""


def some_free_block(count: int = 1) -> int:
    """First port of `count` free blocks one after the other."""
    first, last = map(int, RANGE.split("-"))
    starts = list(range(first, last - count * BLOCK + 2, BLOCK))
    random.shuffle(starts)
    for start in starts:
        if all(is_free(port) for block in range(count) for port in Ports(start + block * BLOCK)):
            return start
    raise RuntimeError(f"no free block of ports in {RANGE}")
