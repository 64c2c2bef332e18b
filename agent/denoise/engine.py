"""The network under ONNX Runtime, and the hop of B voices together.

`Network` is the read-only part, loaded once per process. `Engine` holds the voices: rows of the arrays of spectrum, network and
filter. The network reads its state from one set of buffers and writes the new state to a second one; the two change places after
every hop, so no state is copied and nothing is allocated for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from agent.denoise.spectrum import BANDS, BINS, HOP, TAPS, Analysis, Complexes, Floats, ParityFilter, RunningFilter, Synthesis

MODEL = Path(__file__).with_name("dfn2.onnx")
MODEL_SHA256 = "f29d833c7d20bd0ec404a1636cf24b743002ffed36772e8a6cafef9b993997db"
"""Hash of `dfn2.onnx` as `./stillair agent export` writes it."""

LOOKAHEAD = 2
"""Frames that the network looks ahead: its result belongs to the frame two before the newest."""
STRENGTH_STEP = np.float32(0.1)
"""How much the share of the noisy spectrum may change in a hop: a full change of strength takes 0.1 s and makes no click."""
NO_LIMIT_DB = 100.0


class ModelError(Exception):
    """Says why the network cannot be used: no such file, not the expected file, or not readable by ONNX Runtime."""


class Network:
    """Loads the exported network. It is read-only, and may serve any number of engines."""

    def __init__(self, path: Path = MODEL, *, sha256: str = MODEL_SHA256) -> None:
        """Raises ModelError unless the file is the one with this hash."""
        content = read_model(path, sha256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: it writes to stderr, past our logging
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no narrower base
            raise ModelError(f"ONNX Runtime {onnxruntime.__version__} cannot read {path}: {error}") from error
        inputs = {value.name: tuple(value.shape[1:]) for value in self.session.get_inputs()}
        self.state_shapes = {name: shape for name, shape in inputs.items() if name not in ("erb", "bins")}


def read_model(path: Path = MODEL, expected: str = MODEL_SHA256) -> bytes:
    """Returns the content of the exported network. Raises ModelError unless it is the file with this hash."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"the noise removal model {path} cannot be read: {error.strerror}. Install Stillair again.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"the noise removal model {path} is damaged: expected SHA-256 {expected}, found {found}. Install Stillair again."
        )
    return content


@dataclass(frozen=True)
class VoiceState:
    """Holds all that one voice carries from hop to hop: to be kept, or put into another engine of the same mode."""

    arrays: tuple[NDArray[Any], ...]


class Engine:
    """Steps its voices by one hop of 10 ms. A voice is a row; rows count from 0 without holes. Not thread-safe."""

    def __init__(self, network: Network, voices: int = 0, *, parity: bool = False) -> None:
        """`voices`: new ones to begin with. `parity`: equal to the offline network at 60 ms of latency instead of 40."""
        self._network = network
        self._parity = parity
        self._fresh = _Rows(network, 1, parity).voice(0)
        self._rows = _Rows(network, voices, parity)
        self._parts: dict[int, _Rows] = {}  # to step some of the voices, by their number

    @property
    def voices(self) -> int:
        return self._rows.count

    @property
    def delay_hops(self) -> int:
        """The result of a step belongs to the hop that went in this many steps before."""
        return self._rows.filter.delay + 1

    def join(self, voice: VoiceState | None = None) -> int:
        """Adds a new voice, or one that left an engine of the same mode. Returns its row, the last one. Costs less than a hop."""
        self._seat([*self._all(), voice or self._fresh])
        return self.voices - 1

    def leave(self, row: int) -> VoiceState:
        """Takes a voice out; the rows after it move up by one."""
        voices = self._all()
        gone = voices.pop(row)
        self._seat(voices)
        return gone

    def voice(self, row: int) -> VoiceState:
        """Returns a copy of what the voice carries now."""
        return self._rows.voice(row)

    def reset(self, row: int) -> None:
        """Lets a new voice begin in this row."""
        self._rows.place(row, self._fresh)

    def set_strength(self, row: int, strength_db: float, *, at_once: bool = False) -> None:
        """Limits the attenuation: 0 leaves the sound as it is, 100 and more removes all that the network takes for noise.

        The change takes up to 0.1 s; `at_once` is for a voice that has not begun.
        """
        self._rows.set_strength(row, strength_db, at_once)

    def end(self, row: int) -> None:
        """Gives this voice no features from now on, as behind the end of a file: hops of silence then bring out what is left."""
        self._rows.end(row)

    def lsnr_db(self, row: int) -> float:
        """The encoder's local SNR at the newest hop, -15 to 35 dB: a training target, not an instrument."""
        return float(self._rows.network.lsnr[row, 0])

    def step(self, hops: Floats) -> Floats:
        """Takes one hop of every voice, [voices, 480]. Returns as many cleaned samples, valid until the next step."""
        return self._rows.step(hops)

    def step_some(self, rows: NDArray[np.intp], hops: Floats) -> Floats:
        """Takes one hop of these voices alone, [rows, 480], each row once, and lets the others stand still. Costs little more
        than a step of so many voices: their state is copied to a smaller batch and back."""
        whole = self._rows
        part = self._parts.get(len(rows))
        if part is None:
            part = self._parts[len(rows)] = _Rows(self._network, len(rows), self._parity)
        part.replace(array[rows] for array in whole.memory)
        cleaned = part.step(hops)
        for array, values in zip(whole.memory, part.memory, strict=True):
            array[rows] = values
        whole.network.lsnr[rows] = part.network.lsnr
        whole.note_exceptions()
        return cleaned

    def _all(self) -> list[VoiceState]:
        return [self._rows.voice(row) for row in range(self.voices)]

    def _seat(self, voices: list[VoiceState]) -> None:
        rows = _Rows(self._network, len(voices), self._parity)
        for row, voice in enumerate(voices):
            rows.place(row, voice)
        self._rows = rows


class _Rows:
    """Holds the arrays of a fixed number of voices."""

    def __init__(self, network: Network, count: int, parity: bool) -> None:
        self.count = count
        self.analysis = Analysis(count)
        self.network = NetworkRows(network, count)
        self.filter = ParityFilter(count) if parity else RunningFilter(count)
        self.synthesis = Synthesis(count)
        self._age = np.zeros(count, np.int64)  # hops since the voice began
        self._ended = np.zeros(count, np.bool_)
        self._noisy_share = np.zeros((count, 1), np.float32)
        self._noisy_share_wanted = np.zeros((count, 1), np.float32)
        self._output = np.empty((count, HOP), np.float32)
        self.note_exceptions()

    @property
    def memory(self) -> list[NDArray[Any]]:
        parts = (self.analysis, self.network, self.filter, self.synthesis)
        own = [self._age, self._ended, self._noisy_share, self._noisy_share_wanted]
        return [array for part in parts for array in part.memory] + own

    def voice(self, row: int) -> VoiceState:
        return VoiceState(tuple(array[row].copy() for array in self.memory))

    def place(self, row: int, voice: VoiceState) -> None:
        for array, value in zip(self.memory, voice.arrays, strict=True):
            array[row] = value
        self.note_exceptions()

    def replace(self, memory: Iterable[NDArray[Any]]) -> None:
        for array, values in zip(self.memory, memory, strict=True):
            array[:] = values
        self.note_exceptions()

    def set_strength(self, row: int, strength_db: float, at_once: bool) -> None:
        self._noisy_share_wanted[row] = 0 if strength_db >= NO_LIMIT_DB else 10 ** (-strength_db / 20)
        if at_once:
            self._noisy_share[row] = self._noisy_share_wanted[row]
        self.note_exceptions()

    def end(self, row: int) -> None:
        self._ended[row] = True
        self.note_exceptions()

    def note_exceptions(self) -> None:
        """Notes whether some voices need special care. In most hops all are in full swing at full strength, and nobody looks."""
        self._some_held_back = bool(((self._age < LOOKAHEAD) | self._ended).any())
        self._some_limited = bool((self._noisy_share + self._noisy_share_wanted).any())

    def step(self, hops: Floats) -> Floats:
        if not self.count:
            return self._output
        spectrum = self.filter.newest()
        self.analysis.spectrum(hops, spectrum)
        self.analysis.features(spectrum, self.network.bands, self.network.bins)
        if self._some_held_back:
            self._run_with_held_back()
        else:
            self.network.run()
        noisy, clean = self.filter.apply(self.network.mask, self.network.filters)
        if self._some_limited:
            self._add_noisy_share(noisy, clean)
        self.synthesis.samples(clean, self._output)
        return self._output

    def _run_with_held_back(self) -> None:
        """Runs the network without the first two frames of a voice and without any behind its end: the offline network never sees
        them, because its look-ahead shifts them out."""
        young = self._age < LOOKAHEAD
        self.network.clear_features(young | self._ended)
        self.network.run()
        self.network.clear_state(young)
        self._age += 1
        self.note_exceptions()

    def _add_noisy_share(self, noisy: Complexes, clean: Complexes) -> None:
        share = self._noisy_share
        share += np.clip(self._noisy_share_wanted - share, -STRENGTH_STEP, STRENGTH_STEP)
        clean *= 1 - share
        clean += noisy * share
        self.note_exceptions()


class NetworkRows:
    """Holds input, output and state buffers of the network, bound once for each direction of the swap.

    A binding knows only addresses: every array that is bound must stay the same one for as long as this object lives.
    """

    def __init__(self, network: Network, count: int) -> None:
        self._session = network.session
        features = {"erb": np.zeros((count, 1, BANDS), np.float32), "bins": np.zeros((count, 2, BINS), np.float32)}
        results = {
            "mask": np.empty((count, BANDS), np.float32),
            "filters": np.empty((count, TAPS, BINS, 2), np.float32),
            "lsnr": np.full((count, 1), -15, np.float32),
        }
        self._states = [
            {name: np.zeros((count, *shape), np.float32) for name, shape in network.state_shapes.items()} for _ in range(2)
        ]
        self.bands: Floats = features["erb"][:, 0]  # [B, 32], a view
        self.bins: Floats = features["bins"]  # [B, re/im, 96]
        self.mask: Floats = results["mask"]
        self.filters: Complexes = results["filters"].view(np.complex64)[..., 0]  # [B, 5, 96], a view
        self.lsnr: Floats = results["lsnr"]
        self._current = 0
        self._bindings = [
            self._bind(features | old, results | {f"{name}_out": array for name, array in new.items()})
            for old, new in (self._states, self._states[::-1])
        ]

    def _bind(self, inputs: dict[str, Floats], outputs: dict[str, Floats]) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        for name, array in inputs.items():
            binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in outputs.items():
            binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding

    @property
    def memory(self) -> list[Floats]:
        return list(self._states[self._current].values())

    def run(self) -> None:
        self._session.run_with_iobinding(self._bindings[self._current])
        self._current = 1 - self._current

    def clear_features(self, rows: NDArray[np.bool_]) -> None:
        self.bands[rows] = 0
        self.bins[rows] = 0

    def clear_state(self, rows: NDArray[np.bool_]) -> None:
        for array in self.memory:
            array[rows] = 0
