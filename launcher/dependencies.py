"""Lists what Stillair is made of besides its own code, from the lock files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from launcher.settings import ROOT
from launcher.setup import livekit_server
from launcher.setup.toolchain import BASE_LOCK, TEST_LOCK

PYTHON, JAVASCRIPT, GO = "PyPI", "npm", "Go"
"""As the database of vulnerabilities calls them (ossf.github.io/osv-schema)."""
_KINDS = {PYTHON: "pypi", JAVASCRIPT: "npm", GO: "golang"}
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Dependency:
    ecosystem: str
    name: str
    version: str

    @property
    def url(self) -> str:
        """Its package URL (package-url.github.io), by which programs know it."""
        version = f"v{self.version}" if self.ecosystem == GO else self.version
        return f"pkg:{_KINDS[self.ecosystem]}/{self.name.replace('@', '%40')}@{version}"


def shipped(root: Path = ROOT) -> list[Dependency]:
    """Return what a running Stillair consists of. Of livekit-server, what it is built from is not listed."""
    found = _python(root / BASE_LOCK) | _javascript(root / "package-lock.json", with_tests=False)
    return sorted(found | {Dependency(GO, livekit_server.MODULE.partition("@")[0], livekit_server.VERSION)})


def all_of_them(root: Path = ROOT) -> list[Dependency]:
    """Return what is shipped, and what only tests and the set-up use."""
    locks = [root / TEST_LOCK, *(root / "launcher" / "setup").glob("requirements-*.lock")]
    found = _javascript(root / "package-lock.json", with_tests=True).union(*map(_python, locks))
    return sorted(found.union(shipped(root)))


def _python(lock: Path) -> set[Dependency]:
    return {Dependency(PYTHON, name, version) for name, version in _LOCKED.findall(lock.read_text(encoding="utf-8"))}


def _javascript(lock: Path, *, with_tests: bool) -> set[Dependency]:
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {
        Dependency(JAVASCRIPT, path.rpartition("node_modules/")[2], package["version"])
        for path, package in packages.items()
        if path and (with_tests or not package.get("dev"))
    }
