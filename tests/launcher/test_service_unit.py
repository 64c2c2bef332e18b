"""stillair.service, as systemd itself reads it."""

import configparser
import os
import shutil
import subprocess

import pytest

from launcher.settings import ROOT
from launcher.setup import instance_lock
from launcher.setup.instance_lock import one_set_up_at_a_time

UNIT = ROOT / "stillair.service"
MOST_EXPOSED = 20  # in tenths: systemd calls 0 to 2.3 well protected, and a service without a sandbox has 9.2


@pytest.fixture
def analyze(tmp_path):
    """Runs `systemd-analyze` on the unit, with the path of this clone."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/stillair", str(ROOT)))
    return lambda *arguments: subprocess.run(["systemd-analyze", *arguments, unit], capture_output=True, text=True, check=False)


def test_it_is_understood_without_a_warning(analyze):
    done = analyze("verify")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_well_protected(analyze):
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}")
    assert done.returncode == 0, done.stdout


def test_only_the_data_folder_can_be_written():
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["Environment"] == f"STILLAIR_DATA={service['ReadWritePaths']}"
    assert service["ExecStart"] == f"{service['WorkingDirectory']}/stillair up"


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
HOLD = f"""
from pathlib import Path
from launcher.console import Console
from {instance_lock.__name__} import {one_set_up_at_a_time.__name__}
with one_set_up_at_a_time(Path({{tools!r}}), Console()):
    print("held")
"""


@pytest.mark.parametrize(("installed", "said"), [(True, "held\n"), (False, "run ./stillair install as its owner first")])
def test_a_clone_that_may_only_be_read_starts_if_everything_is_installed(tmp_path, installed, said):
    tools = tmp_path / "tools"
    if installed:
        tools.mkdir()
        (tools / "lock").touch()
    sealed = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, str(tmp_path)]
    if subprocess.run([*sealed, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody make a file system read-only")
    command = [*sealed, "python3", "-c", HOLD.format(tools=str(tools))]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr
