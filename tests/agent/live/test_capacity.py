"""What the machine was measured to carry is kept for the next start, and for no other machine."""

import json

import pytest

from agent.live import capacity
from agent.live.capacity import FILE, Bench, capacity_of, keep, kept

BENCH = Bench(
    cores=2,
    hop_ms=0.4,
    cold_hop_ms=0.8,
    cold_batch_ms=2.5,
    streams_per_core=8.5,
    recommended_capacity=123,
)


def test_what_was_kept_is_taken_and_nothing_is_measured(tmp_path, monkeypatch):
    keep(tmp_path, BENCH)
    monkeypatch.setattr(capacity, "measure", None)
    assert capacity_of(tmp_path) == 123
    assert kept(tmp_path) == BENCH


def test_the_first_start_measures_and_keeps(tmp_path):
    data = tmp_path / "not here yet"
    first = capacity_of(data)
    assert first >= 1
    assert kept(data).recommended_capacity == first
    assert [file.name for file in data.iterdir()] == [FILE]


@pytest.mark.parametrize("what", ["method", "model", "onnxruntime", "processor", "cores"])
def test_what_was_measured_elsewhere_is_not_taken(tmp_path, what):
    keep(tmp_path, BENCH)
    content = json.loads((tmp_path / FILE).read_text())
    content["measured_on"][what] = "another"
    (tmp_path / FILE).write_text(json.dumps(content))
    assert kept(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"measured_on": {}}', "\0" * 100])
def test_a_damaged_file_is_as_none(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert kept(tmp_path) is None


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_start(tmp_path, caplog):
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file")
    keep(in_the_way, BENCH)
    assert "could not be kept" in caplog.text
