"""The real supervisord with small programs in place of the four."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.problem import Problem
from launcher.run import processes
from launcher.run.services import Service
from launcher.run.supervisor import Supervisor, clear_leftovers
from launcher.settings import ROOT, Settings
from launcher.setup.toolchain import Toolchain

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
PARENT = [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"]
SUPERVISORD = Toolchain(ROOT, None).program("supervisord")


@pytest.fixture
def settings(tmp_path):
    made = Settings.of(data=tmp_path, host="127.0.0.1", port=9000, environment={})
    made.run.mkdir()
    made.log.mkdir()
    return made


@pytest.fixture
def start(settings):
    started = []

    def start(*commands):
        services = [Service(f"program-{number}", command, stop_s=2) for number, command in enumerate(commands)]
        supervisor = Supervisor(settings, services, supervisord=SUPERVISORD)
        started.append(supervisor)
        supervisor.start({"STILLAIR_DATA": str(settings.data)})
        assert processes.wait_until(lambda: len(supervisor.pids()) == len(commands), 10)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def session_of(settings):
    return int((settings.run / "session").read_text())


def test_a_program_that_was_killed_is_there_again(start):
    supervisor = start(SLEEPER)
    before = supervisor.pids()["program-0"]
    os.kill(before, signal.SIGKILL)
    assert processes.wait_until(lambda: supervisor.pids().get("program-0") not in (None, before), 10)


def test_after_a_stop_no_process_stays(start, settings):
    supervisor = start(SLEEPER, STUBBORN, PARENT)
    leader = session_of(settings)
    assert len(processes.session_members(leader)) >= 4
    supervisor.stop()
    assert processes.session_members(leader) == []
    assert not (settings.run / "session").exists()


def test_when_supervisord_is_killed_a_stop_still_leaves_no_process(start, settings):
    supervisor = start(SLEEPER, PARENT)
    leader = session_of(settings)
    os.kill(leader, signal.SIGKILL)
    assert processes.wait_until(lambda: not supervisor.is_running(), 5)
    assert processes.session_members(leader)
    supervisor.stop()
    assert processes.session_members(leader) == []


def test_the_next_start_ends_what_the_last_has_left(start, settings):
    start(SLEEPER, STUBBORN)
    leader = session_of(settings)
    os.kill(leader, signal.SIGKILL)
    assert processes.wait_until(lambda: len(processes.session_members(leader)) == 2, 5)
    assert clear_leftovers(settings, patience_s=1.0) == 2
    assert processes.wait_until(lambda: not processes.session_members(leader), 5), "one that dies has no environment any more"
    assert clear_leftovers(settings) == 0


def test_processes_of_somebody_else_are_left_alone(settings):
    """The process number in an old note may have been given away again."""
    stranger = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        (settings.run / "session").write_text(str(stranger.pid))
        assert clear_leftovers(settings) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a program of its parent's death")
def test_when_the_launcher_is_killed_its_child_ends(settings):
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-m', 'launcher.run.guard', *sys.argv[1:]]);"
        "print(child.pid, flush=True); child.wait()"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, *SLEEPER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(launcher.stdout.readline())
    command = Path(f"/proc/{child}/cmdline")  # empty for a moment, while one program takes the other's place
    assert processes.wait_until(lambda: command.read_bytes().split(b"\0")[:-1] == [part.encode() for part in SLEEPER], 5)
    launcher.kill()
    launcher.wait()
    assert processes.wait_until(lambda: child not in processes.session_members(os.getsid(0)), 5)


def test_a_data_folder_with_a_long_path_works_too(start, settings, tmp_path):
    deep = tmp_path / ("long" * 20) / ("folder" * 10)
    settings = replace(settings, data=deep)
    for folder in (settings.run, settings.log):
        folder.mkdir(parents=True)
    supervisor = Supervisor(settings, [Service("program", SLEEPER, stop_s=2)], supervisord=SUPERVISORD)
    try:
        supervisor.start({})
        assert processes.wait_until(lambda: supervisor.pids().keys() == {"program"}, 10)
    finally:
        supervisor.stop()


def test_only_the_owner_may_speak_to_supervisord(start, settings):
    supervisor = start(SLEEPER)
    assert supervisor.socket_path.stat().st_mode & 0o777 == 0o600


def test_a_supervisord_that_does_not_start_is_reported_with_its_last_words(settings):
    with pytest.raises(Problem) as caught:
        Supervisor(settings, [Service("program", ["/no/such/program"], stop_s=2)], supervisord=settings.data / "none").start({})
    assert "did not start" in caught.value.what
