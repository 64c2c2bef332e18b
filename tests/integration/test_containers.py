"""docker-compose.yml without an engine: each service's command is run as its container would run it, and the whole answers."""

import os
import subprocess
import sys

import pytest
import yaml

from launcher.console import Console
from launcher.run import health, processes, service
from launcher.settings import ROOT
from launcher.setup import installation
from tests.free_ports import some_free_block

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"'
PROGRAMS = [name for name in COMPOSE["services"] if name != service.SET_UP]


@pytest.fixture
def environment(tmp_path):
    installed = installation.prepare(None, Console(), with_tests=True)
    return os.environ | {
        "STILLAIR_LIVEKIT_SERVER": str(installed.livekit_server),
        "STILLAIR_DATA": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path),
        "STILLAIR_PORT": str(some_free_block()),
    }


@pytest.fixture
def container(environment, tmp_path):
    """Starts a service where nothing can be written but its volume and /tmp, as in its container, if the system lets us."""
    sealed = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, str(tmp_path)]
    if subprocess.run([*sealed, "true"], check=False, capture_output=True).returncode:
        sealed = []

    def container(name):
        command = [sys.executable, "-m", "launcher", "service", *COMPOSE["services"][name]["command"]]
        return subprocess.Popen([*sealed, *command], cwd=ROOT, env=environment, start_new_session=True)

    return container


def test_every_service_is_one_that_the_launcher_knows():
    assert set(COMPOSE["services"]) == set(service.NAMES)
    assert {name: COMPOSE["services"][name]["command"] for name in service.NAMES} == {name: [name] for name in service.NAMES}


@pytest.mark.parametrize("name", service.NAMES)
def test_every_container_is_sealed(name):
    found = COMPOSE["services"][name]
    assert found["read_only"] is True
    assert (found["cap_drop"], found["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert found["pids_limit"] > 0
    assert found["mem_limit"]
    assert [volume.partition(":")[2] for volume in found["volumes"]] == ["/data"]


def test_the_containers_commands_make_a_whole_stillair(container, environment):
    assert container(service.SET_UP).wait(60) == 0
    started = [container(name) for name in PROGRAMS]
    url = f"http://127.0.0.1:{environment['STILLAIR_PORT']}"
    try:
        assert processes.wait_until(lambda: health.ask(url).ok, 60), health.ask(url)
        assert [program.poll() for program in started] == [None] * 4
    finally:
        for program in reversed(started):
            program.terminate()
        for program in started:
            program.wait(30)
            processes.end(lambda leader=program.pid: processes.session_members(leader), patience_s=1)
