"""Starts a whole Stillair for tests with the launcher's own code, on its own ports and in its own data folder."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract import set_up
from launcher.console import Console
from launcher.run import health, up
from launcher.run.processes import wait_until
from launcher.run.supervisor import Supervisor
from launcher.settings import Settings
from tests.free_ports import some_free_block


@dataclass(frozen=True)
class Instance:
    settings: Settings
    supervisor: Supervisor

    @property
    def url(self) -> str:
        return self.settings.local_url

    @property
    def data(self) -> Path:
        return self.settings.data

    @property
    def set_up_token(self) -> str:
        """Returns what its set-up link ends with; "" if it needs none."""
        return set_up.kept_token(self.data) or ""

    def pid(self, name: str) -> int:
        """Returns the process id of `audio-server`, `web`, `reconciler` or `noise-remover`; KeyError if it does not run."""
        return self.supervisor.pids()[name]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Ends one of the four programs, which supervisord starts again, and returns its old process id."""
        pid = self.pid(name)
        os.kill(pid, how)
        return pid

    def log(self, name: str) -> str:
        return (self.settings.log / f"{name}.log").read_text(errors="replace")

    def is_healthy(self) -> bool:
        return health.ask(self.url).ok

    def wait_until_healthy(self, timeout_s: float = 60.0) -> None:
        assert wait_until(self.is_healthy, timeout_s), f"not healthy: {health.ask(self.url)}"


@contextmanager
def started(data: Path, **environment: str) -> Iterator[Instance]:
    """Starts an instance. `environment` holds its settings, beside those of the test run."""
    # Of a machine that is busy with tests, what it can carry is not measured well.
    # One of the places is kept for the admin. Names for the outside are another instance's, which may run beside this one.
    environment = {"STILLAIR_CAPACITY": "9", "STILLAIR_TRUSTED_HOSTS": ""} | environment
    settings = Settings.of(data=data, host="127.0.0.1", port=some_free_block(), environment=environment)
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with up.running(settings, Console(), with_tests=True) as supervisor:
            yield Instance(settings, supervisor)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
