"""Finds or fetches the audio server: livekit-server in the one version that Stillair was tested with."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import tarfile
import urllib.request
from pathlib import Path

from contract.disk import atomic_write
from launcher.command import CommandError, run
from launcher.console import Console
from launcher.problem import Problem
from launcher.setup import disk
from launcher.setup.toolchain import NETWORK_NEXT_STEP, Toolchain

VERSION = "1.13.5"
NAME = "livekit-server"
RELEASE = f"https://github.com/livekit/livekit/releases/download/v{VERSION}"
MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
GO_AT_LEAST = (1, 21)
"""Since this version Go itself fetches the newer Go that a module asks for (go.dev/doc/toolchain)."""
CONNECT_TIMEOUT_S = 4.0
DOWNLOAD_MARGIN_BYTES = 200_000_000
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "armv7"}


class DownloadError(Exception):
    """Says why the release archive could not be downloaded."""


def find(toolchain: Toolchain, data: Path) -> Path:
    """Return the program in the right version: found on this machine, downloaded, or built. Raises Problem."""
    if found := installed(toolchain, data):
        return found
    cached = _cached(toolchain)
    toolchain.tools.mkdir(parents=True, exist_ok=True)
    try:
        _download(cached, toolchain.console)
    except DownloadError as error:
        toolchain.console.say(f"The release of livekit-server could not be downloaded ({error}), so it is built from its source.")
        _build(cached, toolchain)
    if version_of(cached) != VERSION:
        raise Problem(f"{cached} does not run on this machine.", f"put {NAME} {VERSION} on PATH or into {data / 'bin'}.")
    return cached


def installed(toolchain: Toolchain, data: Path) -> Path | None:
    """Return the program in the right version from PATH, the data folder or the cache of this clone, or None."""
    on_path = shutil.which(NAME)
    candidates = [*([Path(on_path)] if on_path else []), data / "bin" / NAME, _cached(toolchain)]
    return next((candidate for candidate in candidates if version_of(candidate) == VERSION), None)


def _cached(toolchain: Toolchain) -> Path:
    return toolchain.tools / f"{NAME}-{VERSION}"


def version_of(program: Path) -> str | None:
    """Return a version such as "1.13.5", or None if there is no such program or it does not answer."""
    if not os.access(program, os.X_OK):
        return None
    try:
        return run([program, "--version"], folder=program.parent, timeout_s=10).split()[-1]
    except (CommandError, IndexError):
        return None


def _download(target: Path, console: Console) -> None:
    """Download the project's own archive and compare it with the checksums of the same release. Raises DownloadError."""
    machine = MACHINES.get(platform.machine().lower())
    if platform.system() != "Linux" or machine is None:
        raise DownloadError(f"there is none for {platform.system()} on {platform.machine()}")
    archive = f"livekit_{VERSION}_linux_{machine}.tar.gz"
    with console.step("Downloading livekit-server"):
        expected = checksum_of(archive, _get(f"{RELEASE}/checksums.txt").decode())
        content = _get(f"{RELEASE}/{archive}")
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise DownloadError(f"SHA-256 of {archive} is {found}, not {expected}")
        with tarfile.open(fileobj=io.BytesIO(content)) as files:
            program = files.extractfile(NAME)
            if program is None:
                raise DownloadError(f"{archive} holds no {NAME}")
            _place(program.read(), target)


def checksum_of(archive: str, checksums: str) -> str:
    """Return the SHA-256 of the archive. Raises DownloadError if the list does not name it."""
    for line in checksums.splitlines():
        digest, _, name = line.partition("  ")
        if name == archive:
            return digest
    raise DownloadError(f"the release lists no checksum of {archive}")


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S) as answer:  # noqa: S310 - a constant https address
            content: bytes = answer.read(DOWNLOAD_MARGIN_BYTES)
            return content
    except (OSError, ValueError) as error:
        raise DownloadError(str(getattr(error, "reason", error))) from error


def _build(target: Path, toolchain: Toolchain) -> None:
    """Run `go install`, which checks every module against Go's checksum database. It takes two minutes on two cores."""
    folder = toolchain.tools / "livekit-build"
    disk.check(toolchain.tools, disk.BUILD_BYTES, "building livekit-server")
    system_go = _system_go()
    go = system_go or toolchain.install_tool("go") / "go" / "bin" / "go"
    environment = {"GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -modcacherw"}
    if system_go is None:  # nobody will use its caches (2 GB) again
        environment |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}
    with toolchain.console.step(f"Building livekit-server {VERSION} (once, about two minutes)"):
        try:
            run([go, "install", MODULE], folder=toolchain.root, environment=environment)
        except CommandError as error:
            full = "no space left" in error.output.lower()
            next_step = "make room on this disk, then run this again." if full else NETWORK_NEXT_STEP
            raise Problem(f"livekit-server {VERSION} could not be built.", next_step, error.output) from error
    _place((folder / "server").read_bytes(), target)
    shutil.rmtree(folder)
    if system_go is None:
        toolchain.remove_tool("go")


def _system_go() -> Path | None:
    found = shutil.which("go")
    return Path(found) if found and _go_version(Path(found)) >= GO_AT_LEAST else None


def _go_version(go: Path) -> tuple[int, ...]:
    try:
        words = run([go, "version"], folder=go.parent, timeout_s=30).split()
        return tuple(int(part) for part in words[2].removeprefix("go").split(".")[:2])
    except (CommandError, IndexError, ValueError):
        return (0,)


def _place(content: bytes, target: Path) -> None:
    """Write the program as a whole: another start may look for it at this moment."""
    atomic_write(target, content, durable=False, mode=0o755)
