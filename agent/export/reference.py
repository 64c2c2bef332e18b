"""The truth: `df.enhance.enhance` of deepfilternet 0.5.6, offline, with the published DeepFilterNet2 weights.

This is the only module that imports `df`, which imports torchaudio for reading and resampling files, by names that torchaudio no
longer has. None of that is used here, so empty stand-ins are enough, and torchaudio need not be installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agent.export import checkpoint


def _stand_in_for_torchaudio() -> None:
    def absent(*_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError("torchaudio is a stand-in here: read and resample files outside df")

    modules = {name: ModuleType(f"torchaudio{name}") for name in ("", ".backend", ".backend.common", ".functional")}
    vars(modules[".backend.common"])["AudioMetaData"] = object
    vars(modules[".functional"])["resample"] = absent
    sys.modules.update({module.__name__: module for module in modules.values()})


if "df" not in sys.modules:
    _stand_in_for_torchaudio()

from df.enhance import enhance, init_df  # noqa: E402 - the stand-ins must be there first


class Reference:
    """Holds the offline network and its spectrum, loaded once."""

    def __init__(self, cache: Path) -> None:
        """`cache`: folder that keeps the checkpoint (see checkpoint.fetch). Raises CheckpointError."""
        self.network, self.spectrum, _ = init_df(str(checkpoint.fetch(cache)), log_level="ERROR", log_file=None)

    def enhance(self, samples: NDArray[np.float32], *, strength_db: float | None = None) -> NDArray[np.float32]:
        """Cleans one voice, 48 kHz, [samples]. Returns as many, aligned with the input. `strength_db`: df's `atten_lim_db`."""
        audio = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))[None]
        with torch.no_grad():
            enhanced: Tensor = enhance(self.network, self.spectrum, audio, atten_lim_db=strength_db)
        return enhanced[0].numpy()
