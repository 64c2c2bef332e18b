"""A model file that is not the one we measured is not run."""

import hashlib

import pytest

from agent.denoise import Denoiser, ModelError
from agent.denoise.engine import MODEL, MODEL_SHA256, Network


def test_the_shipped_model_has_the_pinned_hash():
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == MODEL_SHA256


def test_the_notice_of_the_weights_lies_beside_them():
    notice = MODEL.with_suffix(".NOTICE").read_text(encoding="utf-8")
    assert "Hendrik Schröter" in notice
    assert "Permission is hereby granted, free of charge" in notice


@pytest.mark.parametrize("place", [0, 1_000_000, -1])
def test_one_flipped_byte_is_found(tmp_path, place):
    content = bytearray(MODEL.read_bytes())
    content[place] ^= 1
    damaged = tmp_path / "dfn2.onnx"
    damaged.write_bytes(content)
    with pytest.raises(ModelError) as error:
        Denoiser.load(damaged)
    message = str(error.value)
    assert MODEL_SHA256 in message
    assert hashlib.sha256(content).hexdigest() in message
    assert str(damaged) in message
    assert "Install Stillair again" in message


@pytest.mark.parametrize("content", [b"", MODEL.read_bytes()[:1000]], ids=["empty", "cut off"])
def test_half_a_file_is_found(tmp_path, content):
    path = tmp_path / "dfn2.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=MODEL_SHA256):
        Denoiser.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.onnx cannot be read: No such file"):
        Denoiser.load(tmp_path / "nowhere.onnx")


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        Denoiser.load(tmp_path)


def test_a_file_that_onnx_runtime_cannot_read_is_named(tmp_path):
    path = tmp_path / "other.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"ONNX Runtime .* cannot read .*other\.onnx"):
        Network(path, sha256=hashlib.sha256(b"no model").hexdigest())
