"""A network that changes nothing: every gain is 1 and every filter passes its middle frame. What is left is framing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agent.denoise.engine import Network
from agent.denoise.spectrum import BANDS, BINS, TAPS

STATE = "nothing"


def identity_network(folder: Path) -> Network:
    """With the real network's inputs and outputs, run by the real engine."""
    gains = np.ones((1, BANDS), np.float32)
    filters = np.zeros((1, TAPS, BINS, 2), np.float32)
    filters[:, TAPS // 2, :, 0] = 1
    results = {"mask": gains, "filters": filters, "lsnr": np.zeros((1, 1), np.float32)}
    nodes = [
        helper.make_node("Shape", ["erb"], ["voices"], start=0, end=1),
        *(helper.make_node("Tile", [f"{name}_of_one", f"{name}_repeats"], [name]) for name in results),
        *(helper.make_node("Concat", ["voices", f"{name}_rest"], [f"{name}_repeats"], axis=0) for name in results),
        helper.make_node("Identity", [STATE], [f"{STATE}_out"]),
    ]
    nodes.sort(key=lambda node: ["Shape", "Concat", "Tile", "Identity"].index(node.op_type))
    constants = [numpy_helper.from_array(value, f"{name}_of_one") for name, value in results.items()]
    constants += [numpy_helper.from_array(np.ones(value.ndim - 1, np.int64), f"{name}_rest") for name, value in results.items()]
    inputs = {"erb": (1, BANDS), "bins": (2, BINS), STATE: (1,)}
    outputs = {name: value.shape[1:] for name, value in results.items()} | {f"{STATE}_out": (1,)}
    graph = helper.make_graph(nodes, "identity", _values(inputs), _values(outputs), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    path = folder / "identity.onnx"
    path.write_bytes(content)
    return Network(path, sha256=hashlib.sha256(content).hexdigest())


def _values(shapes: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["voices", *shape]) for name, shape in shapes.items()]
