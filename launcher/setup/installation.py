"""Installs or finds everything that a Stillair needs on this machine, in the order in which one step needs another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launcher.console import Console
from launcher.settings import ROOT
from launcher.setup import disk, instance_lock, livekit_server, node
from launcher.setup.toolchain import Toolchain


@dataclass(frozen=True)
class Installation:
    programs: Path  # .venv/bin
    livekit_server: Path


def prepare_python(console: Console) -> Path:
    """Install the Python packages only, and return `.venv/bin`. Raises Problem."""
    toolchain = Toolchain(ROOT, console)
    with instance_lock.one_set_up_at_a_time(toolchain.tools, console):
        toolchain.sync()
        return toolchain.venv / "bin"


def prepare(own_livekit_server: Path | None, console: Console, *, with_tests: bool = False) -> Installation:
    """Install everything but what the person has of their own; this is quick if it is there already. Raises Problem."""
    toolchain = Toolchain(ROOT, console)
    with instance_lock.one_set_up_at_a_time(toolchain.tools, console):
        if not toolchain.python.exists():
            disk.check(ROOT, disk.TEST_INSTALL_BYTES if with_tests else disk.INSTALL_BYTES, "the installation")
        toolchain.sync(with_tests=with_tests)
        node.prepare(toolchain, with_tests=with_tests)
        return Installation(toolchain.venv / "bin", livekit_server.find(toolchain, own_livekit_server))
