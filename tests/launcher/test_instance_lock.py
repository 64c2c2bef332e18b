import os

import pytest

from launcher.problem import Problem
from launcher.setup import instance_lock


@pytest.fixture
def data(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path


def test_a_data_folder_in_use_is_refused_with_process_and_address(data):
    with (
        instance_lock.hold(data, address="http://127.0.0.1:9000"),
        pytest.raises(Problem) as caught,
        instance_lock.hold(data, address="http://127.0.0.1:9100"),
    ):
        pytest.fail("two hold the lock")
    assert str(data) in caught.value.what
    assert f"http://127.0.0.1:9000 (process {os.getpid()})" in caught.value.what
    assert "--data" in caught.value.next_step


def test_it_is_free_again_afterwards(data):
    for _ in range(2):
        with instance_lock.hold(data, address="http://127.0.0.1:9000"):
            pass


def test_another_folder_is_free(data, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "run").mkdir()
    with instance_lock.hold(data, address="one"), instance_lock.hold(other, address="two"):
        pass
