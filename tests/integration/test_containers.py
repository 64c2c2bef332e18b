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
PROGRAMS = [name for name in COMPOSE["services"] if name != service.SET_UP]


@pytest.fixture
def environment(tmp_path):
    installed = installation.prepare(None, Console(), with_tests=True)
    return os.environ | {
        "STILLAIR_LIVEKIT_SERVER": str(installed.livekit_server),
        "STILLAIR_DATA": str(tmp_path / "data"),
        "STILLAIR_PORT": str(some_free_block()),
    }


def container(name, environment):
    command = [sys.executable, "-m", "launcher", "service", *COMPOSE["services"][name]["command"]]
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


def test_every_service_is_one_that_the_launcher_knows():
    assert set(COMPOSE["services"]) == set(service.NAMES)
    assert {name: COMPOSE["services"][name]["command"] for name in service.NAMES} == {name: [name] for name in service.NAMES}


def test_the_containers_commands_make_a_whole_stillair(environment):
    assert container(service.SET_UP, environment).wait(60) == 0
    started = [container(name, environment) for name in PROGRAMS]
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
