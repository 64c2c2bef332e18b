"""Runs a real agent worker for tests, as `./stillair up` starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from contract.recording import RecordingManifest
from tests.integration.streams.livekit_process import API_KEY, API_SECRET, ROOT, free_port

START_TIMEOUT_S = 180
"""It takes four seconds on an idle machine, because it imports a lot. Nothing is measured with this."""


class WorkerProcess:
    def __init__(self, url: str, folder: Path, *, program: Path = ROOT, **settings: str) -> None:
        """Takes the folder with the package `agent`, and environment variables as `settings`."""
        self.recordings = folder / "recordings"
        self.log = folder / "worker.log"
        self._program = program
        self._settings = settings
        self._port = free_port()
        self._environment = (
            os.environ
            | {
                "LIVEKIT_URL": url,
                "LIVEKIT_API_KEY": API_KEY,
                "LIVEKIT_API_SECRET": API_SECRET,
                "STILLAIR_RECORDINGS": str(self.recordings),
                "STILLAIR_CAPACITY": "8",  # of a machine that is busy with tests, what it can carry is not measured well
                "STILLAIR_AGENT_HEALTH_PORT": str(self._port),
                "PYTHONPATH": str(program),
            }
            | settings
        )
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> subprocess.Popen[bytes]:
        self.recordings.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent", "worker"],
                cwd=self._program,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self._process

    def start(self) -> None:
        """Returns when all its workers have registered with the audio server."""
        process = self.spawn()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def is_ready(self) -> bool:
        health = self.health()
        registered = [worker["registered"] for worker in health.get("workers", [])]
        return all(registered) and len(registered) == health.get("wanted_workers")

    def is_like(self, settings: dict[str, str]) -> bool:
        """Returns whether it runs with these settings."""
        return settings == self._settings and self._process is not None and self._process.poll() is None

    def become_idle(self) -> None:
        """Waits until the last job is over and deletes all recordings."""
        deadline = time.monotonic() + 30
        while self.active_jobs():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        for path in self.recordings.iterdir():
            path.unlink()

    @property
    def pid(self) -> int:
        """Returns the process id of the worker's main process."""
        assert self._process is not None
        return self._process.pid

    def health(self) -> dict[str, Any]:
        """Returns what the health page says, whatever its status, or nothing while there is no page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/", timeout=5) as answer:
                return {"status": answer.status, **json.load(answer)}
        except urllib.error.HTTPError as error:
            with error:
                return {"status": error.code, **json.load(error)}
        except OSError:
            return {}

    def job(self, room: str) -> str:
        """Returns the id of the newest job in this room."""
        return self._newest_in(room)[1]

    def worker_of(self, room: str) -> int:
        """Returns the process id of the worker with the newest job in this room."""
        return int(self._newest_in(room)[2])

    def _newest_in(self, room: str) -> re.Match[str]:
        lines = [line for line in self.log.read_text().splitlines() if "The broadcast runs" in line and room in line]
        match = re.search(r"\bjob='(\w+)' pid=(\d+)", lines[-1])
        assert match
        return match

    def active_jobs(self) -> int:
        return int(self.health()["taken"])

    def manifest(self, stream_id: str) -> RecordingManifest | None:
        path = self.recordings / f"{stream_id}.json"
        return RecordingManifest.from_json(path.read_text()) if path.exists() else None

    def stop(self) -> float:
        """Sends SIGTERM and returns the seconds until the last of its processes was gone."""
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        family = [process, *process.children(recursive=True)]
        began = time.monotonic()
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=20)
        for left in alive:
            left.kill()
        self._process.wait()
        self._process = None
        assert not alive, f"did not stop: {alive}"
        return time.monotonic() - began

    def stop_if_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
