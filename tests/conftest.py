"""Keep the garbage collector from looking at everything that was imported again and again."""

from __future__ import annotations

import gc

import pytest

# With Python's own thresholds (700, 10, 10) a quarter of the time that the imports take goes to the garbage collector.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what was imported out of every later collection: it stays to the end."""
    gc.collect()
    gc.freeze()
