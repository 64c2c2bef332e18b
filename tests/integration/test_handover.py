"""`./stillair agent` and `./stillair web` as a person types them, somewhere else than beside `./stillair`."""

import json
import os
import shutil
import subprocess

import pytest
import soundfile

from launcher.settings import ROOT

VOICE = ROOT / "agent" / "samples" / "voice.flac"


@pytest.fixture
def folder(tmp_path):
    """Makes a working folder with things in it that have our own names."""
    made = tmp_path / "a folder"
    for name in ("agent", "webapp"):
        (made / name).mkdir(parents=True)
        (made / name / "__init__.py").write_text("raise SystemExit('not ours')")
    return made


@pytest.fixture
def stillair(folder, tmp_path):
    def run(*arguments, said="", **variables):
        environment = os.environ | {"STILLAIR_DATA": str(tmp_path / "data")} | variables
        command = [ROOT / "stillair", *arguments]
        return subprocess.run(command, cwd=folder, env=environment, input=said, capture_output=True, text=True, check=False)

    return run


def test_files_are_those_of_the_callers_folder(stillair, folder):
    shutil.copy(VOICE, folder / "my voice.flac")
    done = stillair("denoise", "my voice.flac", "--strength", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"file": "my voice.flac", "target": "my voice-clean.flac", "problem": ""}]
    assert soundfile.info(folder / "my voice-clean.flac").frames == soundfile.info(VOICE).frames


def test_what_is_wrong_and_the_exit_status_come_through(stillair):
    done = stillair("agent", "denoise", "nothing.wav")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "nothing.wav: there is no such file.\n"
    assert stillair("agent", "denoise").returncode == 2


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        (("agent",), "stillair agent [OPTIONS] COMMAND"),
        (("agent", "bench"), "stillair agent bench [OPTIONS]"),
        (("denoise",), "stillair agent denoise [OPTIONS] INPUTS..."),
        (("web",), "stillair web [OPTIONS] COMMAND"),
        (("admin",), "stillair web admin [OPTIONS] COMMAND"),
    ],
)
def test_help_shows_the_command_as_it_is_typed(stillair, command, usage):
    done = stillair(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {usage}")


def test_an_admin_is_made_without_a_running_stillair(stillair):
    before = stillair("admin", "alice")
    assert before.returncode == 1
    assert before.stderr.startswith("The database refused: ")
    assert "Traceback" not in before.stderr
    assert stillair("web", "db", "upgrade").returncode == 0
    for name in ("alice", "bob"):
        assert stillair("web", "create-user", name, said="long-enough-for-us\nlong-enough-for-us\n").returncode == 0
    assert stillair("admin", "bob").stdout == "bob is an admin.\n"
    assert stillair("admin", "reset-second-factor", "bob").stdout == "bob logs in with the password alone now.\n"


def test_a_wrong_setting_is_named_before_anything_happens(stillair):
    done = stillair("agent", "bench", STILLAIR_GRACE_S="0.5")
    assert done.returncode == 1
    assert "STILLAIR_GRACE_S is '0.5', not a number from 1 to 86400." in done.stderr
