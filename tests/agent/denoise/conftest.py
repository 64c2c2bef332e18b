import pytest

from agent.denoise import Denoiser


@pytest.fixture(scope="session")
def denoiser():
    return Denoiser.load()
