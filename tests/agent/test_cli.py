"""The commands, as somebody types them."""

import json
import sys

import pytest
from click.testing import CliRunner

from agent.cli import main
from agent.denoise.engine import MODEL_SHA256


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_check_names_what_it_looked_at():
    findings = json.loads(run("check", "--json").stdout)
    assert [finding["what"] for finding in findings] == ["versions", "model", "speed"]
    assert findings[1]["ok"]
    assert MODEL_SHA256[:16] in findings[1]["words"]


def test_bench_recommends_what_the_machine_can_carry():
    result = json.loads(run("bench", "--json").stdout)
    assert result["hop_ms"] > 0
    assert 1 <= result["recommended_capacity"] <= max(1, result["cores"] * result["streams_per_core"])
    assert str(result["cores"]) in run("bench").stdout


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
    assert "stillair[model]" in done.output
