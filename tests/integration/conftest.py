import pytest

from tests.instance import started


@pytest.fixture(scope="session")
def instance(tmp_path_factory):
    """Starts one whole Stillair for all tests of this folder (tests/instance.py)."""
    with started(tmp_path_factory.mktemp("stillair")) as running:
        yield running
