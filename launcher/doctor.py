"""Checks this machine and says what to fix: `./stillair doctor`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.disk import existing_folder, free_bytes
from launcher.command import CommandError, run, tail
from launcher.console import Console
from launcher.run import health, ports
from launcher.settings import ROOT, Settings
from launcher.setup import livekit_server
from launcher.setup.toolchain import Toolchain

ROOMY_BYTES = 2_000_000_000
FIRST_SET_UP = "run ./stillair up once: it installs this."


@dataclass(frozen=True)
class Finding:
    name: str
    value: str
    to_do: str = ""  # "" when all is well

    def __str__(self) -> str:
        line = f"{'ok ' if not self.to_do else '!! '} {self.name:<24} {self.value}"
        return f"{line}\n{' ' * 28}{self.to_do}" if self.to_do else line


def doctor(settings: Settings, console: Console) -> int:
    """Show all findings and return the exit status: 0 if there is nothing to do."""
    to_do = 0
    toolchain = Toolchain(ROOT, console)
    for finding in _findings(toolchain, settings, console):
        to_do += bool(finding.to_do)
        console.say(str(finding))
    console.say("\nEverything is fine." if not to_do else f"\nTo fix: {to_do}.")
    return int(to_do > 0)


def _findings(toolchain: Toolchain, settings: Settings, console: Console) -> Iterator[Finding]:
    yield from _versions(toolchain, settings)
    yield from _disk(settings)
    yield from _clock()
    yield from _instance(settings)
    yield from _noise_remover(toolchain, settings, console)


def _versions(toolchain: Toolchain, settings: Settings) -> Iterator[Finding]:
    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores")
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield _program("Python of Stillair", [toolchain.python, "--version"])
    uv = shutil.which("uv") or toolchain.tools / "uv" / "bin" / "uv"
    yield _program("uv", [uv, "--version"])
    yield _audio_server(toolchain, settings)


def _program(name: str, command: list[str | Path]) -> Finding:
    try:
        return Finding(name, run(command, folder=ROOT, timeout_s=20).strip())
    except CommandError:
        return Finding(name, "not here yet", FIRST_SET_UP)


def _audio_server(toolchain: Toolchain, settings: Settings) -> Finding:
    wanted = livekit_server.VERSION
    found = livekit_server.installed(toolchain, settings.livekit_server)
    if found is None:
        return Finding("livekit-server", f"{wanted} not here yet", FIRST_SET_UP)
    unchecked = ", your own, which nobody has checked" if found == settings.livekit_server else ""
    return Finding("livekit-server", f"{wanted} ({found}{unchecked})")


def _disk(settings: Settings) -> Iterator[Finding]:
    free = free_bytes(existing_folder(settings.data))
    hours = free / (48_000 * 2 * 0.5 * 3600)  # speech as FLAC takes about half of its 16 bit
    yield Finding(
        "disk",
        f"{free / 1e9:.1f} GB free for {settings.data}, about {hours:,.0f} hours of recordings",
        "" if free > ROOMY_BYTES else "make room: recordings stop when the disk is full.",
    )


def _clock() -> Iterator[Finding]:
    """Check the clock: tokens are valid for two minutes, so a wrong one locks everybody out of the audio server."""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    newest = max(path.stat().st_mtime for path in ROOT.glob("*.toml"))
    if time.time() < newest - 86_400:
        yield Finding("clock", f"{now}, before these files were written", "set the clock of this machine.")
        return
    yield Finding("clock", f"{now}{_synchronised()}")


def _synchronised() -> str:
    try:
        answer = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], folder=ROOT, timeout_s=5).strip()
    except CommandError:
        return ""
    return {"yes": ", synchronised", "no": ", not synchronised with a time server"}.get(answer, "")


def _instance(settings: Settings) -> Iterator[Finding]:
    state = health.ask(settings.local_url)
    if state.answered:
        down = ", ".join(state.down) or "something"
        to_do = "" if state.ok else f"{down} does not work: see the logs in {settings.log}."
        yield Finding("Stillair", f"runs at {settings.local_url}", to_do)
        return
    yield Finding("Stillair", f"does not run at {settings.local_url}")
    yield from map(_port, settings.ports)


def _port(port: ports.Port) -> Finding:
    name = f"{port.kind} port {port.number}"
    if ports.is_free(port):
        return Finding(name, f"free ({port.purpose})")
    holder = ports.holder_of(port)
    to_do = "stop that program, or start with another --port."
    return Finding(name, f"taken{f' by {holder}' if holder else ''} ({port.purpose})", to_do)


def _noise_remover(toolchain: Toolchain, settings: Settings, console: Console) -> Iterator[Finding]:
    """Ask the agent about its model, its speed on this machine, and how many streams that allows."""
    if not toolchain.python.exists():
        yield Finding("noise remover", "not here yet", FIRST_SET_UP)
        return
    command: list[str | Path] = [toolchain.python, "-m", "agent", "check", "--json"]
    with console.step("Measuring the noise remover"):
        done = subprocess.run(  # noqa: S603
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | {"STILLAIR_DATA": str(settings.data)},
        )
    try:
        findings = json.loads(done.stdout)
    except ValueError:
        last_words = tail(done.stdout + done.stderr, 1)
        yield Finding("noise remover", last_words, "delete .venv and run ./stillair up: it installs everything anew.")
        return
    for finding in findings:
        yield Finding(f"noise remover: {finding['what']}", finding["words"], "" if finding["ok"] else "see the line above.")
