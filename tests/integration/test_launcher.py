"""`./stillair up` as a person runs it: from the shell, in a terminal's place, ended by a signal."""

import re
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from launcher import health
from launcher.processes import session_members, wait_until
from launcher.settings import ROOT
from tests.free_ports import some_free_block
from tests.instance import Instance


class Shell:
    """One `./stillair up`."""

    def __init__(self, data, port):
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [ROOT / "stillair", "up", "--data", data, "--port", str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )

    def wait_until_up(self):
        assert wait_until(lambda: health.ask(self.url).ok or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.process.stdout.read()
        self.leader = int((self.data / "run" / "session").read_text())
        return self

    def processes(self):
        return session_members(self.leader)

    def end(self, how):
        self.process.send_signal(how)
        output, _ = self.process.communicate(timeout=60)
        return output


@pytest.fixture
def shell(tmp_path):
    shells = []

    def shell(folder="data", port=None):
        shells.append(Shell(tmp_path / folder, port or some_free_block()))
        return shells[-1]

    yield shell
    for one in shells:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_every_process(shell, how):
    up = shell().wait_until_up()
    assert len(up.processes()) >= 5
    output = up.end(how)
    assert up.process.returncode == 0
    assert f"Open {up.url}" in output
    assert output.endswith("Stopped.\n")
    assert up.processes() == []


def test_a_killed_launcher_leaves_nothing_and_the_next_start_works(shell):
    up = shell().wait_until_up()
    up.end(signal.SIGKILL)
    assert wait_until(lambda: not up.processes(), 30), "supervisord ends with its launcher"
    shell(port=up.port).wait_until_up()


def test_two_run_side_by_side_with_secrets_of_their_own(shell):
    one, two = shell("one"), shell("two")
    one.wait_until_up(), two.wait_until_up()
    assert not set(one.processes()) & set(two.processes())
    assert (one.data / "secrets.env").read_text() != (two.data / "secrets.env").read_text()


def test_a_data_folder_in_use_and_a_taken_port_are_refused(shell):
    up = shell().wait_until_up()
    same_folder = shell()
    assert same_folder.process.wait(30) == 1
    assert f"Stillair runs at {up.url}" in same_folder.process.stdout.read()
    same_port = shell("other", port=up.port)
    assert same_port.process.wait(30) == 1
    assert re.search(rf"TCP port {up.port} \(the pages\) is taken by .*\nNext: .*--port \d+", same_port.process.stdout.read())
    assert health.ask(up.url).ok


def test_a_second_start_takes_less_than_ten_seconds(shell):
    first = shell().wait_until_up()
    first.end(signal.SIGTERM)
    output = shell().wait_until_up().end(signal.SIGTERM)
    assert int(re.search(r"up after (\d+) s", output).group(1)) < 10


def test_no_secret_is_on_a_command_line_or_in_a_readable_file(shell):
    up = shell().wait_until_up()
    secrets = re.findall(r"=(.+)", (up.data / "secrets.env").read_text())
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in up.processes()]
    logs = [path.read_text(errors="replace") for path in (up.data / "log").iterdir()]
    configuration = [path.read_text() for path in (up.data / "run").iterdir() if path.suffix in (".conf", ".yaml")]
    assert len(secrets) == 3
    assert not [secret for secret in secrets for text in (*lines, *logs, *configuration) if secret in text]
    assert up.data.stat().st_mode & 0o077 == 0


def test_alone_on_this_machine_nothing_listens_to_the_network(shell):
    up = shell().wait_until_up()
    sockets = [entry for pid in up.processes() for entry in psutil.Process(pid).net_connections("inet")]
    listening = {tuple(entry.laddr) for entry in sockets if entry.status == psutil.CONN_LISTEN or entry.type == socket.SOCK_DGRAM}
    assert len(listening) >= 4
    assert {address for address, _ in listening} == {"127.0.0.1"}, listening


@pytest.mark.parametrize("name", ["audio-server", "web", "reconciler", "noise-remover"])
def test_a_killed_program_comes_back(instance: Instance, name):
    before = instance.kill(name)
    assert wait_until(lambda: instance.supervisor.pids().get(name) not in (None, before), 10)
    instance.wait_until_healthy()
