"""`./stillair up` as a person runs it: from the shell, in a terminal's place, ended by a signal."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from launcher.run import health
from launcher.run.processes import session_members, wait_until
from launcher.settings import ROOT
from tests.free_ports import some_free_block
from tests.instance import Instance


class Shell:
    """Runs one `./stillair up`."""

    def __init__(self, data, port, settings):
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self._output = data.with_suffix(f".{port}.output")
        command = [ROOT / "stillair", "up", "--data", data, "--port", str(port)]
        with open(self._output, "w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | settings)

    @property
    def output(self):
        return self._output.read_text()

    def wait_until_up(self):
        assert wait_until(lambda: "Open http" in self.output or self.process.poll() is not None, 240), self.output
        assert self.process.poll() is None, self.output
        self.leader = int((self.data / "run" / "session").read_text())
        return self

    def processes(self):
        return session_members(self.leader)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)
        return self.output


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    shells = []

    def shell(data=None, port=None, **settings):
        shells.append(Shell(data or tmp_path_factory.mktemp("up") / "data", port or some_free_block(), settings))
        return shells[-1]

    yield shell
    for one in shells:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def up(shell):
    """Starts one that stays."""
    return shell().wait_until_up()


def test_two_run_side_by_side_and_ctrl_c_ends_every_process_of_one(shell, up):
    other = shell(STILLAIR_TRUSTED_HOSTS="air.test").wait_until_up()  # others can reach it, so it prints a set-up link
    assert len(other.processes()) >= 5
    assert not set(other.processes()) & set(up.processes())
    assert (other.data / "secrets.env").read_text() != (up.data / "secrets.env").read_text()
    output = other.end(signal.SIGINT)
    assert other.process.returncode == 0
    assert re.search(rf"Open {other.url}/register\?set_up=[\w-]+\n", output)
    assert f"Open {up.url}\n" in up.output
    assert output.endswith("Stopped.\n")
    assert other.processes() == []
    assert health.ask(up.url).ok


def test_a_killed_launcher_leaves_nothing_and_the_next_start_installs_nothing(shell):
    first = shell().wait_until_up()
    first.end(signal.SIGKILL)
    assert wait_until(lambda: not first.processes(), 40), "supervisord ends with its launcher"
    second = shell(first.data, first.port).wait_until_up()
    output = second.end(signal.SIGTERM)
    assert "Installing" not in output
    assert second.processes() == []


def test_a_data_folder_in_use_is_refused(shell, up):
    second = shell(up.data)
    assert second.process.wait(30) == 1
    assert f"Stillair runs at {up.url} (process {up.process.pid})" in second.output
    assert "Next: " in second.output


def test_a_taken_port_is_refused(shell, up):
    second = shell(port=up.port)
    assert second.process.wait(30) == 1
    assert re.search(rf"TCP port {up.port} \(the pages\) is taken by .*\nNext: .*--port \d+", second.output)


def test_no_secret_is_on_a_command_line_or_in_a_log(up):
    secrets = re.findall(r"=(.+)", (up.data / "secrets.env").read_text())
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in up.processes()]
    logs = [path.read_text(errors="replace") for path in (up.data / "log").iterdir()]
    configuration = [path.read_text() for path in (up.data / "run").iterdir() if path.suffix in (".conf", ".yaml")]
    assert len(secrets) == 5
    assert not [secret for secret in secrets for text in (*lines, *logs, *configuration) if secret in text]


def test_nobody_else_on_this_machine_may_look_into_the_data_folder_or_a_file_of_it(up):
    paths = [up.data, *up.data.rglob("*")]
    assert {"secrets.env", "stillair.db", "stillair.db-wal", "livekit.yaml", "web.log"} <= {path.name for path in paths}
    assert [path for path in paths if path.lstat().st_mode & 0o077] == []


def test_alone_on_this_machine_nothing_listens_to_the_network(up):
    sockets = [entry for pid in up.processes() for entry in psutil.Process(pid).net_connections("inet")]
    listening = {tuple(entry.laddr) for entry in sockets if entry.status == psutil.CONN_LISTEN or entry.type == socket.SOCK_DGRAM}
    assert len(listening) >= 4
    assert {address for address, _ in listening} == {"127.0.0.1"}, listening


@pytest.mark.parametrize("name", ["audio-server", "web", "reconciler", "noise-remover"])
def test_a_killed_program_comes_back(instance: Instance, name):
    before = instance.kill(name)
    assert wait_until(lambda: instance.supervisor.pids().get(name) not in (None, before), 10)
    instance.wait_until_healthy()
