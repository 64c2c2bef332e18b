"""DNSMOS P.835: how people would judge speech, its background and both together, 1 to 5, by a network without a reference.

The network and the polynomials are those of the package speechmos (Reddy et al., "DNSMOS P.835", 2022), of which nothing is
imported: its module wants librosa, for another score that is not asked for here.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

RATE = 16_000
WINDOW = round(9.01 * RATE)

_SPEECH = np.poly1d((-0.08397278, 1.22083953, 0.0052439))
_BACKGROUND = np.poly1d((-0.13166888, 1.60915514, -0.39604546))
_OVERALL = np.poly1d((-0.06766283, 1.11546468, 0.04602535))


@dataclass(frozen=True)
class Opinion:
    speech: float
    background: float
    overall: float


class Dnsmos:
    def __init__(self, network: Path) -> None:
        self._session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])

    @classmethod
    def load(cls) -> Self | None:
        """None when the package speechmos is not installed."""
        package = importlib.util.find_spec("speechmos")
        if package is None or not package.submodule_search_locations:
            return None
        return cls(Path(package.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx")

    def __call__(self, sound: NDArray[np.float32]) -> Opinion:
        """16 kHz -> means over windows of 9 s that start every second; short sound is repeated."""
        sound = np.tile(sound, -(-WINDOW // len(sound))).astype(np.float32)
        starts = range(0, len(sound) - WINDOW + 1, RATE)
        raw = [self._session.run(None, {"input_1": sound[None, start : start + WINDOW]})[0][0] for start in starts]
        speech, background, overall = np.transpose(raw)
        return Opinion(
            *(
                float(np.mean(curve(values)))
                for curve, values in (
                    (_SPEECH, speech),
                    (_BACKGROUND, background),
                    (_OVERALL, overall),
                )
            )
        )
