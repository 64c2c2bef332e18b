"""Runs a real audio server for tests, which can be killed and started again. It ends with the tests, however they end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[3]
API_KEY, API_SECRET = "test-key", "a-secret-of-the-audio-server-for-tests"


def find_program() -> str:
    """Finds the program where `./stillair` puts it or was told to look. A test that needs it must not pass without it."""
    candidates = [os.environ.get("STILLAIR_LIVEKIT_SERVER"), shutil.which("livekit-server"), ROOT / "data/bin/livekit-server"]
    candidates += sorted((ROOT / ".tools").glob("livekit-server-*"))
    found = next((str(path) for path in candidates if path and os.access(path, os.X_OK)), None)
    assert found, "livekit-server not found: run ./stillair up once, or set STILLAIR_LIVEKIT_SERVER"
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LivekitProcess:
    def __init__(self, folder: Path, webhook_url: str | None = None, log_level: str = "warn") -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._config = folder / "livekit.yaml"  # JSON is YAML
        self._log = folder / "livekit.log"
        self._config.write_text(
            json.dumps(
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "rtc": {
                        "tcp_port": 0,
                        "udp_port": free_port(socket.SOCK_DGRAM),
                        "node_ip": "127.0.0.1",
                        "use_external_ip": False,
                        "enable_loopback_candidate": True,
                        "use_mdns": False,
                        "ips": {"includes": ["127.0.0.1/32"]},
                    },
                    "room": {"auto_create": False},
                    "keys": {API_KEY: API_SECRET},
                    "logging": {"level": log_level},
                    **({"webhook": {"api_key": API_KEY, "urls": [webhook_url]}} if webhook_url else {}),
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self) -> None:
        command = [sys.executable, "-m", "launcher.run.guard", find_program(), "--config", str(self._config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "livekit-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """Sends SIGKILL, so that it says goodbye to nobody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1).status == 200)
        except OSError:
            return False
