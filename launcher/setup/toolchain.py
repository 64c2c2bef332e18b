"""Finds or fetches uv, and keeps `.venv` equal to the lock file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from launcher.command import CommandError, run
from launcher.console import Console
from launcher.problem import Problem
from launcher.setup.stamp import Stamp, fingerprint

BASE_LOCK = "requirements.lock"
TEST_LOCK = "requirements-test.lock"
PYTHONS = ("3.11", "3.12")
"""Preferred version first. numpy 1, which the reference of the tests needs, has no wheels for later ones."""
NETWORK_NEXT_STEP = "check the connection to the internet, then run this again: what has arrived is kept."


@dataclass(frozen=True)
class Toolchain:
    """Installs what one clone needs in `.venv` and `.tools`, which all data folders share."""

    root: Path
    console: Console

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def tools(self) -> Path:
        return self.root / ".tools"

    def program(self, name: str) -> Path:
        """Return the path of a program in the virtual environment."""
        return self.venv / "bin" / name

    def sync(self, *, with_tests: bool = False) -> None:
        """Make `.venv` what the lock says. The test lock contains the base lock, so `up` accepts either."""
        base, test = (fingerprint([self.root / name, self._python_version()]) for name in (BASE_LOCK, TEST_LOCK))
        stamp = Stamp(self.venv / "stillair-stamp")
        if stamp.matches(test if with_tests else base):
            return
        stamp.clear()
        uv = self.uv()
        if self._python_version() == "none":
            self._make_venv(uv)
        what = "Installing Python packages for tests" if with_tests else "Installing Python packages"
        lock = TEST_LOCK if with_tests else BASE_LOCK
        sync: list[str | Path] = [uv, "pip", "sync", "--python", self.python, "--require-hashes", "--compile-bytecode", lock]
        with self.console.step(what):
            self._fetch(sync, "The Python packages could not be installed.")
        version = self._python_version()
        base, test = (fingerprint([self.root / name, version]) for name in (BASE_LOCK, TEST_LOCK))
        stamp.set(base, *([test] if with_tests else []))

    def uv(self) -> Path:
        """Return uv from PATH, or one of our own in `.tools`. Raises Problem."""
        own = self.tools / "uv" / "bin" / "uv"
        found = shutil.which("uv")
        for candidate in ([Path(found)] if found else []) + [own]:
            if _answers([candidate, "--version"]):
                return candidate
        with self.console.step("Installing uv"):
            self._install_uv(own)
        return own

    def install_tool(self, name: str) -> Path:
        """Install `launcher/setup/requirements-NAME.lock` in a folder of its own, and return that. Raises Problem."""
        folder = self.tools / name
        lock = self.root / "launcher" / "setup" / f"requirements-{name}.lock"
        stamp = Stamp(folder / "stamp")
        wanted = fingerprint([lock])
        if not stamp.matches(wanted):
            stamp.clear()
            with self.console.step(f"Installing {name}"):
                self._fetch(
                    [self.uv(), "pip", "install", "--python", self.python, "--target", folder, "--require-hashes", "-r", lock],
                    f"{name} could not be installed.",
                )
            stamp.set(wanted)
        return folder

    def remove_tool(self, name: str) -> None:
        shutil.rmtree(self.tools / name, ignore_errors=True)

    def _make_venv(self, uv: Path) -> None:
        failures = []
        with self.console.step(f"Making .venv with Python {PYTHONS[0]}"):
            for version in PYTHONS:
                try:
                    run([uv, "venv", "--no-project", "--clear", "--python", version, self.venv], folder=self.root)
                    return
                except CommandError as error:
                    failures.append(error.output)
        raise Problem(
            f"No Python {' or '.join(PYTHONS)} is here, and uv could not fetch one.",
            f"connect to the internet, or install Python {PYTHONS[0]} from your system's packages, then run this again.",
            failures[0],
        )

    def _install_uv(self, target: Path) -> None:
        """Install uv with this Python's pip, or with that of a virtual environment if this Python has none."""
        folder = target.parent.parent
        lock = self.root / "launcher" / "setup" / "requirements-uv.lock"
        maker = self.tools / "pip"
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
        try:
            if _answers([sys.executable, "-m", "pip", "--version"]):
                run([sys.executable, *install, "--upgrade", "--target", folder], folder=self.root)
            else:
                run([sys.executable, "-m", "venv", "--clear", maker], folder=self.root)
                run([maker / "bin" / "python", *install, "--upgrade", "--target", folder], folder=self.root)
        except CommandError as error:
            raise Problem(
                "uv, which installs the Python packages, is not here and could not be installed with pip.",
                "install uv yourself (https://docs.astral.sh/uv/), or python3-pip and python3-venv from your system's packages.",
                error.output,
            ) from error

    def _fetch(self, arguments: list[str | Path], what: str) -> None:
        try:
            run(arguments, folder=self.root)
        except CommandError as error:
            raise Problem(what, _next_step(error.output), error.output) from error

    def _python_version(self) -> str:
        """Return the version of `.venv`, such as "3.11.7", or "none" if none works."""
        try:
            version = run([self.python, "-c", "import platform; print(platform.python_version())"], folder=self.root).strip()
        except CommandError:
            return "none"
        return version if version.startswith(PYTHONS) else "none"


def _answers(arguments: Iterable[str | Path]) -> bool:
    try:
        return subprocess.run(list(map(str, arguments)), capture_output=True, check=False, timeout=30).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _next_step(output: str) -> str:
    if "No space left" in output:
        return "make room on this disk, then run this again."
    if "hash" in output.lower():
        return "a package is not the one that was locked: do not use it, and ask who runs your package index."
    return NETWORK_NEXT_STEP
