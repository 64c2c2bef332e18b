"""Writes the streaming step as `agent/denoise/dfn2.onnx`."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch

from agent.export import checkpoint
from agent.export.model import BANDS, BINS, State, Step

INPUTS = ("erb", "bins", *State._fields)
OUTPUTS = ("mask", "filters", "lsnr", *(f"{name}_out" for name in State._fields))
OPSET = 17


def load_step(cache: Path) -> Step:
    """Loads the step with the published weights. Raises CheckpointError."""
    path = checkpoint.fetch(cache) / checkpoint.WEIGHTS
    return Step(torch.load(path, map_location="cpu", weights_only=True))


def export(cache: Path, target: Path) -> str:
    """Writes the network to `target` and returns its SHA-256, to be pinned in `agent/denoise/engine.py`."""
    example = (torch.zeros(2, 1, BANDS), torch.zeros(2, 2, BINS), *State.zeros(2))
    graph: Any = io.BytesIO()  # the signature knows paths only
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the older exporter; the newer one needs another package
        torch.onnx.export(
            load_step(cache),
            example,
            graph,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "voices"} for name in INPUTS + OUTPUTS},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(graph.getvalue())
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
