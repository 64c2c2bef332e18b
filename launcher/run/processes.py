"""Finds and ends the processes of a session. supervisord leads one of its own, so everything it ever started is in it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.05


def session_members(leader: int) -> list[int]:
    """Return the living processes of the session that `leader` opened; it may itself be gone."""
    return [pid for pid in _all_pids() if _session_of(pid) == leader and not _is_zombie(pid)]


def belongs_to(pid: int, variable: str, value: str) -> bool:
    """Return whether the process was started with this variable. A number alone may belong to another process by now."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self").exists()  # no such table on this system, so the session has to do
    return f"{variable}={value}".encode() in environment


def end(pids: Callable[[], list[int]], *, patience_s: float) -> None:
    """Send SIGTERM, and after `patience_s` SIGKILL, until `pids()` is empty."""
    _signal(pids(), signal.SIGTERM)
    if not wait_until(lambda: not pids(), patience_s):
        _signal(pids(), signal.SIGKILL)
        wait_until(lambda: not pids(), patience_s)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Return whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _all_pids() -> list[int]:
    if Path("/proc/self").exists():
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True).stdout
    return [int(word) for word in listing.split()]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
