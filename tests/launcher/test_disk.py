import pytest

from launcher.problem import Problem
from launcher.setup import disk


def test_too_little_room_is_named_with_folder_and_figures(tmp_path):
    with pytest.raises(Problem) as caught:
        disk.check(tmp_path / "not" / "yet", 10**18, "the installation")
    assert str(tmp_path) in caught.value.what
    assert "1,000,000,000,000 MB" in caught.value.what
    assert "make room" in caught.value.next_step


def test_enough_room_passes(tmp_path):
    disk.check(tmp_path, 1, "a start")
