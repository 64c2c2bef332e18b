"""Draws recordings with fewer bars, from the peaks that the noise remover leaves beside them (agent/recording/peaks.py)."""

from __future__ import annotations

from itertools import pairwise

OUTLINE_BARS = 48  # beside a recording in a list; the row keeps them, so that a list opens no files
PLAYER_BARS = 400  # at most; the player draws as many as it has room for


def reduced(peaks: bytes, count: int) -> bytes:
    """Return `count` bytes or fewer, each the loudest of its part."""
    if len(peaks) <= count:
        return peaks
    edges = [len(peaks) * bar // count for bar in range(count + 1)]
    return bytes(max(peaks[start:end]) for start, end in pairwise(edges))
