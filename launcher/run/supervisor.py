"""Runs the four programs under supervisord, which restarts whatever ends."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from launcher.command import clean_environment, tail
from launcher.problem import Problem
from launcher.run import processes
from launcher.run.services import Service
from launcher.settings import ROOT, Settings

SOCKET_PATH_BYTES = 90
"""sun_path holds 108 (104 on macOS), and supervisord adds a dot and its process number while it makes the socket."""
START_S = 15.0
STOP_MARGIN_S = 8.0
"""supervisord stops one program after the other and looks once a second."""


class Supervisor:
    """Runs supervisord. As a context manager it leaves no process behind."""

    def __init__(self, settings: Settings, services: Sequence[Service], *, supervisord: Path) -> None:
        self._settings = settings
        self._services = services
        self._supervisord = supervisord
        self.socket_path = _socket_path(settings.run)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, environment: Mapping[str, str]) -> None:
        """Start supervisord, and return when it answers. Raises Problem."""
        configuration = self._settings.run / "supervisord.conf"
        configuration.write_text(configuration_text(self._settings, self._services, self.socket_path), encoding="utf-8")
        with open(self._settings.log / "supervisord.out", "wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own argument list
                [sys.executable, "-m", "launcher.run.guard", self._supervisord, "--nodaemon", "--configuration", configuration],
                cwd=ROOT,
                env=clean_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the launcher alone, which stops them in order
            )
        (self._settings.run / "session").write_text(str(self._process.pid))
        if not processes.wait_until(lambda: self._answers() or not self.is_running(), START_S) or not self.is_running():
            raise Problem(
                "supervisord, which runs the four programs, did not start.",
                f"see {self._settings.log}.",
                tail((self._settings.log / "supervisord.out").read_text(errors="replace")),
            )

    def stop(self) -> None:
        """Stop all programs in reverse order, then supervisord. Returns when no process of its session is left."""
        if self._process is None:
            return
        leader = self._process.pid
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(sum(service.stop_s for service in self._services) + STOP_MARGIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        processes.end(lambda: processes.session_members(leader), patience_s=3.0)
        (self._settings.run / "session").unlink(missing_ok=True)
        self._process = None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def states(self) -> dict[str, str]:
        """Return name -> RUNNING, STARTING, BACKOFF, FATAL, ... (supervisord.org/subprocess.html)."""
        return {entry["name"]: entry["statename"] for entry in self._ask()}

    def pids(self) -> dict[str, int]:
        """Return name -> process number of the programs that are running."""
        return {entry["name"]: entry["pid"] for entry in self._ask() if entry["pid"]}

    def _ask(self) -> list[dict[str, Any]]:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self.socket_path)) as server:
            entries: list[dict[str, Any]] = server.supervisor.getAllProcessInfo()  # type: ignore[assignment]
            return entries

    def _answers(self) -> bool:
        try:
            self._ask()
        except OSError:
            return False
        return True


def clear_leftovers(settings: Settings, *, patience_s: float = 20.0) -> int:
    """End what a killed launcher has left behind, and return how many processes those were. Call it with the lock held."""
    note = settings.run / "session"
    try:
        leader = int(note.read_text())
    except (OSError, ValueError):
        return 0

    def left() -> list[int]:
        ours = ("STILLAIR_DATA", str(settings.data))
        return [pid for pid in processes.session_members(leader) if processes.belongs_to(pid, *ours)]

    found = len(left())
    processes.end(left, patience_s=patience_s)
    note.unlink(missing_ok=True)
    return found


def configuration_text(settings: Settings, services: Sequence[Service], socket_path: Path) -> str:
    """supervisord's configuration (supervisord.org/configuration.html). The environment is inherited and not written anywhere."""
    parts = [
        _section(
            "supervisord",
            nodaemon="true",
            identifier="stillair",
            umask="077",
            pidfile=settings.run / "supervisord.pid",
            logfile=settings.log / "supervisord.log",
            logfile_maxbytes="2MB",
            logfile_backups=1,
            childlogdir=settings.log,
        ),
        _section("unix_http_server", file=socket_path, chmod="0600"),
        _section(
            "rpcinterface:supervisor", **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}
        ),
    ]
    for order, service in enumerate(services, start=1):
        parts.append(
            _section(
                f"program:{service.name}",
                command=shlex.join(service.command),
                directory=ROOT,
                priority=order,
                autorestart="true",
                startsecs=1,
                startretries=1_000_000,
                stopsignal="TERM",
                stopwaitsecs=service.stop_s,
                killasgroup="true",
                redirect_stderr="true",
                stdout_logfile=settings.log / f"{service.name}.log",
                stdout_logfile_maxbytes="5MB",
                stdout_logfile_backups=2,
            )
        )
    return "\n".join(parts)


def _section(title: str, **values: object) -> str:
    """`%` starts an expansion in supervisord's files."""
    lines = [f"{name} = {str(value).replace('%', '%%')}" for name, value in values.items()]
    return "\n".join([f"[{title}]", *lines, ""])


def _socket_path(run: Path) -> Path:
    """Return a path in the data folder, or in a private temporary folder if that path is too long for a socket."""
    path = run / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    return Path(tempfile.mkdtemp(prefix="stillair-")) / "supervisor.sock"


class _UnixTransport(xmlrpc.client.Transport):
    """Carries XML-RPC over a socket file; the standard library only has TCP."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
