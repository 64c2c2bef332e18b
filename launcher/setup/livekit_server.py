"""Finds or fetches the audio server: livekit-server in the one version that Stillair was tested with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
import urllib.request
from collections.abc import Mapping
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
ARCHIVES = {
    "amd64": "c020fac437b7cc9b776eef1ad5ea8af77be9acfa07602eca20a3a44930dfbc70",
    "arm64": "332015305518765fe05bad74fc3a9d9583e635e7dd130de3c4fc563d69c550f3",
}
"""SHA-256 of the release's archives. A list beside them would prove nothing: who can change the one can change the other."""
MODULE = f"github.com/livekit/livekit-server@v{VERSION}"
MODULE_HASH = "h1:HWfxfKvi5k1czMVqLV/htGmPgEBhrqHMxpfyMvfhyVo="
"""Of the source as a Go module, as Go's checksum database has it. Its go.sum holds those of everything that it is built from."""
GO_AT_LEAST = (1, 21)
"""Since this version Go itself fetches the newer Go that a module asks for (go.dev/doc/toolchain)."""
CONNECT_TIMEOUT_S = 4.0
DOWNLOAD_MARGIN_BYTES = 200_000_000
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class DownloadError(Exception):
    """Says why the release archive could not be downloaded."""


def find(toolchain: Toolchain, own: Path | None) -> Path:
    """Return the program in the right version: the person's own, or one that was downloaded or built. Raises Problem.

    A program of this name on PATH is not taken, however right the version that it tells: nothing says who made it.
    """
    if own is not None and version_of(own) != VERSION:
        what = f"STILLAIR_LIVEKIT_SERVER is {own}, which is not a {NAME} {VERSION} that runs here."
        raise Problem(what, "correct it, or leave it out: it is then downloaded and checked.")
    if found := installed(toolchain, own):
        return found
    cached = _cached(toolchain)
    toolchain.tools.mkdir(parents=True, exist_ok=True)
    try:
        _download(cached, toolchain.console)
    except DownloadError as error:
        toolchain.console.say(f"The release of livekit-server could not be downloaded ({error}), so it is built from its source.")
        _build(cached, toolchain)
    if version_of(cached) != VERSION:
        raise Problem(f"{cached} does not run on this machine.", f"name one that does in STILLAIR_LIVEKIT_SERVER ({VERSION}).")
    return cached


def installed(toolchain: Toolchain, own: Path | None) -> Path | None:
    """Return the program in the right version, which the person has named or the cache of this clone holds, or None."""
    return next((path for path in (own, _cached(toolchain)) if path is not None and version_of(path) == VERSION), None)


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
    """Download the project's own archive, and use it if it is the one that was tested. Raises DownloadError."""
    machine = MACHINES.get(platform.machine().lower())
    if platform.system() != "Linux" or machine is None:
        raise DownloadError(f"there is none for {platform.system()} on {platform.machine()}")
    with console.step("Downloading livekit-server"):
        content = _get(f"{RELEASE}/livekit_{VERSION}_linux_{machine}.tar.gz")
        _place(unpacked(content, ARCHIVES[machine]), target)


def unpacked(archive: bytes, expected: str) -> bytes:
    """Return the program in the archive. Raises DownloadError if the archive is another than expected."""
    found = hashlib.sha256(archive).hexdigest()
    if found != expected:
        raise DownloadError(f"its SHA-256 is {found}, not {expected}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        program = files.extractfile(NAME)
        if program is None:
            raise DownloadError(f"the archive holds no {NAME}")
        return program.read()


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S) as answer:  # noqa: S310 - a constant https address
            content: bytes = answer.read(DOWNLOAD_MARGIN_BYTES)
            return content
    except (OSError, ValueError) as error:
        raise DownloadError(str(getattr(error, "reason", error))) from error


def _build(target: Path, toolchain: Toolchain) -> None:
    """Build the source, which takes two minutes on two cores. Raises Problem.

    `-mod=readonly` lets nothing in whose hash is not in the source's own go.sum, and the hash of the source is ours.
    """
    folder = toolchain.tools / "livekit-build"
    disk.check(toolchain.tools, disk.BUILD_BYTES, "building livekit-server")
    system_go = _system_go()
    go = system_go or toolchain.install_tool("go") / "go" / "bin" / "go"
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -modcacherw -mod=readonly", "GOWORK": "off"}
    if system_go is None:  # nobody will use its caches (2 GB) again
        environment |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}
    folder.mkdir(exist_ok=True)
    with toolchain.console.step(f"Building livekit-server {VERSION} (once, about two minutes)"):
        try:
            source = _source(go, folder, environment)
            run([go, "build", "-o", folder / "server", "./cmd/server"], folder=source, environment=environment)
        except CommandError as error:
            full = "no space left" in error.output.lower()
            next_step = "make room on this disk, then run this again." if full else NETWORK_NEXT_STEP
            raise Problem(f"livekit-server {VERSION} could not be built.", next_step, error.output) from error
    _place((folder / "server").read_bytes(), target)
    shutil.rmtree(folder)
    if system_go is None:
        toolchain.remove_tool("go")


def _source(go: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """Download the source, and return its folder in Go's cache. Raises CommandError, or Problem if it is another source."""
    output = run([go, "mod", "download", "-json", MODULE], folder=folder, environment=environment)
    told = json.loads(output[output.index("{") :])  # lines about a newer Go that it needs may stand before
    if told["Sum"] != MODULE_HASH:
        raise Problem(
            f"The source of livekit-server {VERSION} is not what was tested: its hash is {told['Sum']}, not {MODULE_HASH}.",
            "do not use it, and ask who runs your proxy for Go modules.",
        )
    return Path(told["Dir"])


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
