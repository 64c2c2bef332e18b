"""Runs PulseAudio with a microphone that can be plugged in, and that another program can occupy."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from launcher.run.processes import wait_until

HOLDER = Path(__file__).parent / "microphone_holder.py"


class SoundServer:
    def __init__(self, folder: Path) -> None:
        self._address = f"unix:{folder}/native"
        self.environment = {"PULSE_SERVER": self._address, "ALSA_CONFIG_PATH": os.devnull}
        modules = (f"module-native-protocol-unix socket={folder}/native auth-anonymous=1", "module-null-sink sink_name=hole")
        options = "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"
        self._process = subprocess.Popen(
            ["pulseaudio", *options, *(f"--load={module}" for module in modules)],
            env={**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
            stderr=subprocess.DEVNULL,
        )
        assert wait_until(lambda: self._pactl("info", check=False).returncode == 0, 10)

    def _pactl(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment}
        return subprocess.run(["pactl", *command], env=environment, check=check, capture_output=True, text=True)

    def plug_in(self) -> None:
        self._pactl("load-module", "module-remap-source", "master=hole.monitor", "source_name=microphone")

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Lets another program take every stream that the microphone allows."""
        with subprocess.Popen(
            [sys.executable, str(HOLDER), self._address, "microphone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stdout.readline() == "held\n"
            yield
            program.stdin.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@contextlib.contextmanager
def sound_server() -> Iterator[SoundServer]:
    folder = Path(tempfile.mkdtemp())  # a socket's path is short
    server = SoundServer(folder)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder)
