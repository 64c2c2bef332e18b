"""Ways to cut a signal into pieces, and a stream fed with them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agent.denoise import DenoiserStream
from tests.agent.denoise.mixes import RATE, Samples


def of_size(samples: Samples, size: int) -> list[Samples]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def of_sizes(samples: Samples, sizes: Iterator[int]) -> list[Samples]:
    pieces = []
    start = 0
    while start < len(samples):
        end = start + next(sizes)
        pieces.append(samples[start:end])
        start = end
    return pieces


def of_random_sizes(samples: Samples, seed: int) -> list[Samples]:
    """Mostly around a hop, sometimes nothing, sometimes up to a second."""
    rng = np.random.default_rng(seed)
    kinds = (0, 1, 1000, RATE)

    def sizes() -> Iterator[int]:
        while True:
            yield int(rng.integers(rng.choice(kinds, p=(0.1, 0.2, 0.6, 0.1)) + 1))

    return of_sizes(samples, sizes())


def cleaned(stream: DenoiserStream, pieces: list[Samples] | Samples) -> Samples:
    """All that comes out, with the rest."""
    pieces = pieces if isinstance(pieces, list) else [pieces]
    return np.concatenate([*(stream.feed(piece) for piece in pieces), stream.flush()])
