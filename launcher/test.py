"""`./stillair test`: installs what tests need and runs lint, types and all tests. What CI runs is this and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.command import clean_environment
from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import LIVEKIT_SERVER, ROOT
from launcher.setup import chromium, debian, installation, node
from launcher.setup.toolchain import Toolchain

PARTS = ("lint", "unit", "integration", "e2e")
DEBIAN_PROGRAMS = {"flac": "flac", "ffprobe": "ffmpeg", "dbus-daemon": "dbus", "dbus-send": "dbus", "pulseaudio": "pulseaudio"}
"""flac and ffprobe judge whether recordings are FLAC files, dbus carries media keys, pulseaudio brings microphones."""
PROXY = "caddy"
"""The reverse proxy in front of the pages, for friends outside."""
UNIT = ["tests", "--ignore=tests/integration", "--ignore=tests/e2e"]
COVERAGE = ("--cov", "--cov-report=term:skip-covered")
"""Measures the lines and branches that unit tests reach in their own processes. pyproject.toml holds the floor."""
ONCE_MORE = ("--reruns=1", "--rerun-show-tracebacks")
"""Gives tests of real-time behaviour a second try: a stalled machine can fail them once, a real bug fails twice. The
first failure is shown, and the closing line names the test."""
IN_PAIRS = ("--numprocesses=2", "--dist=loadfile", "-m", "not alone")
"""Runs two files at a time, because tests of real-time behaviour wait more than they compute."""
ALONE = ("-m", "alone")
LIVE = ["tests/integration/live", "tests/integration/test_recovery.py"]
INTEGRATION = ["tests/integration", *(f"--ignore={path}" for path in LIVE)]
E2E = ["tests/e2e"]


@dataclass(frozen=True)
class Outcome:
    status: int  # exit status
    second_tries: tuple[str, ...] = ()  # tests that failed at first and were tried again


@dataclass(frozen=True)
class Check:
    name: str
    part: str
    run: Callable[[], Outcome]


@dataclass(frozen=True)
class Result:
    name: str
    outcome: Outcome
    seconds: float

    def __str__(self) -> str:
        """Formats the closing line. It names the tests that needed a second try, for people who read only this line."""
        line = f"{self.name:<12} {'FAILED' if self.outcome.status else 'passed'} {self.seconds:6.0f} s"
        tries = self.outcome.second_tries
        if not tries:
            return line
        return f"{line}  ({len(tries)} {'test' if len(tries) == 1 else 'tests'} needed a second try: {', '.join(tries)})"


def test(part: str | None, console: Console) -> int:
    """Returns the exit status: 0 only if every check passed. All of them run, so one run shows everything. Raises Problem."""
    programs = installation.prepare(LIVEKIT_SERVER.read_optional(os.environ), console, with_tests=True).programs
    environment = {}
    if part in (None, "unit", "integration", "e2e"):
        debian.need(DEBIAN_PROGRAMS, console)
    if part in (None, "e2e"):
        environment[chromium.VARIABLE] = str(chromium.find(programs / "python", console))
        if shutil.which(PROXY) is None:
            environment["PATH"] = f"{debian.unpack(PROXY, console)}:{os.environ['PATH']}"
    checks = [check for check in _checks(programs, environment, console) if part in (None, check.part)]
    results = [_run(check, console) for check in checks]
    console.say("")
    for result in results:
        console.say(str(result))
    return int(any(result.outcome.status for result in results))


def _run(check: Check, console: Console) -> Result:
    console.say(f"\n--- {check.name} ---")
    began = time.monotonic()
    try:
        outcome = check.run()
    except Problem as problem:
        console.say(str(problem))
        outcome = Outcome(1)
    return Result(check.name, outcome, time.monotonic() - began)


def _checks(programs: Path, environment: dict[str, str], console: Console) -> list[Check]:
    def shown(*arguments: str) -> Callable[[], Outcome]:
        return lambda: Outcome(_show([str(programs / arguments[0]), *arguments[1:]], environment))

    def npm(script: str) -> Callable[[], Outcome]:
        return lambda: _npm(script, console)

    def pytest(*arguments: str) -> Callable[[], Outcome]:
        return lambda: _pytest(programs / "python", arguments, environment)

    return [
        Check("ruff", "lint", shown("ruff", "check", ".")),
        Check("format", "lint", shown("ruff", "format", "--check", "--quiet", ".")),
        Check("mypy", "lint", shown("mypy")),
        Check("tsc", "lint", npm("check")),
        Check("biome", "lint", npm("lint")),
        Check("djlint", "lint", shown("djlint", "--check", "--lint", "--quiet", "webapp/templates")),
        Check("js", "unit", npm("test")),
        Check("unit", "unit", pytest("--numprocesses=auto", *COVERAGE, *UNIT)),
        Check("integration", "integration", pytest(*IN_PAIRS, *ONCE_MORE, *INTEGRATION)),
        Check("live", "integration", pytest(*IN_PAIRS, *ONCE_MORE, *LIVE)),
        Check("live alone", "integration", pytest(*ALONE, *ONCE_MORE, *LIVE)),
        Check("e2e", "e2e", pytest(*IN_PAIRS, *ONCE_MORE, *E2E)),
        Check("e2e alone", "e2e", pytest(*ALONE, *ONCE_MORE, *E2E)),
    ]


def _show(command: Sequence[str], environment: dict[str, str]) -> int:
    """Runs a command and shows its output to the person, and to CI, which reads pytest's closing line."""
    return subprocess.run(command, cwd=ROOT, env=clean_environment(environment), check=False).returncode  # noqa: S603


def _pytest(python: Path, arguments: Sequence[str], environment: dict[str, str]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "second-tries"
        report = ["-p", "tests.second_tries", f"--second-tries={names}"]
        status = _show(
            [str(python), "-m", "pytest", "--quiet", "--durations=10", *report, *arguments],
            # Compiled tests are kept, also where the environment says otherwise: compiling them takes five seconds a process.
            {**environment, "PYTHONDONTWRITEBYTECODE": ""},
        )
        return Outcome(status, tuple(names.read_text().splitlines()) if names.exists() else ())


def _npm(script: str, console: Console) -> Outcome:
    console.say(node.npm(Toolchain(ROOT, console), "run", "--silent", script, words=f"npm run {script}"))
    return Outcome(0)
