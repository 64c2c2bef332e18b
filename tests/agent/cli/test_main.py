"""The commands, as somebody types them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.main import main
from agent.denoise.engine import MODEL_SHA256
from agent.live.capacity import capacity_of

ROOT = Path(__file__).parents[3]


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_check_names_what_it_looked_at():
    findings = json.loads(run("check", "--json").stdout)
    assert [finding["what"] for finding in findings] == ["versions", "model", "speed", "capacity"]
    assert findings[1]["ok"]
    assert MODEL_SHA256[:16] in findings[1]["words"]


@pytest.fixture
def data(monkeypatch, tmp_path):
    """An empty data folder, and no settings of the machine that the tests run on."""
    monkeypatch.setenv("STILLAIR_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("STILLAIR_CAPACITY", raising=False)
    return tmp_path / "data"


def capacity():
    """What `check` says of it."""
    return json.loads(run("check", "--json").stdout)[3]


def test_bench_recommends_what_the_machine_can_carry(data):
    result = json.loads(run("bench", "--json").stdout)
    assert result["hop_ms"] > 0
    assert 1 <= result["recommended_capacity"] <= max(1, result["cores"] * result["streams_per_core"])
    assert str(result["cores"]) in run("bench").stdout


def test_what_bench_found_is_what_check_and_the_next_worker_go_by(data):
    result = json.loads(run("bench", "--json").stdout)
    assert capacity_of(data) == result["recommended_capacity"]
    assert capacity()["words"].startswith(f"{result['recommended_capacity']} streams")


def test_a_setting_above_what_was_measured_is_told(data, monkeypatch):
    monkeypatch.setenv("STILLAIR_CAPACITY", "5000")
    assert not capacity()["ok"]
    assert capacity()["words"].startswith("5000 streams at once by STILLAIR_CAPACITY, but ")
    monkeypatch.setenv("STILLAIR_CAPACITY", "1")
    assert capacity()["ok"]
    monkeypatch.setenv("STILLAIR_CAPACITY", "some")
    assert "'some'" in capacity()["words"]


@pytest.mark.parametrize("content", [None, b"no recording at all " * 10_000])
def test_repair_of_what_is_no_recording_says_so_and_leaves_it(tmp_path, content):
    path = tmp_path / "something.flac"
    if content:
        path.write_bytes(content)
    done = run("repair", str(path))
    assert done.exit_code == 1
    assert "something" in done.output
    assert content is None or path.read_bytes() == content


def test_export_without_the_workshop_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "agent.export.to_onnx", None)
    done = run("export")
    assert done.exit_code == 1
    assert "agent.export.to_onnx is not installed. ./stillair test lint installs it" in done.output


@pytest.mark.parametrize("command", [("publish", "voice.wav"), ("listen", "alice", "-o", "heard.flac")])
def test_whoever_goes_on_air_or_listens_says_who_he_is(monkeypatch, command):
    monkeypatch.delenv("STILLAIR_TOKEN", raising=False)
    done = run(*command)
    assert done.exit_code == 2
    assert "--token" in done.output
    assert "--as" in done.output
