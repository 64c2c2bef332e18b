"""The drawing beside a recording: true to the sound, whatever happens to process or disk, and never a danger to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.recording.files import RecordingFolder
from agent.recording.peaks import make_one_missing, peak
from agent.recording.recorder import FlacRecorder
from contract.recording import PEAK_SAMPLES
from tests.agent.judges import RATE, samples_of, speech_like

STREAM_ID = "5" * 32
SOUND = speech_like(3)


def recorded(folder: Path, sound: np.ndarray, *, at: float = 0.0, finished: bool = True) -> None:
    """`at`: seconds after the beginning of the stream."""
    now = [1000.0 + at]
    recorder = FlacRecorder(
        folder,
        stream_id=STREAM_ID,
        owner="alice",
        title="",
        started_at="2026-01-02T03:04:05Z",
        on_state=lambda state: None,
        storage=RecordingFolder(folder, low_water_bytes=0),
        clock=lambda: now[0],
    )
    recorder.start()
    for start in range(0, len(sound), 480):
        now[0] += len(sound[start : start + 480]) / RATE
        recorder.write(sound[start : start + 480])
    recorder.close(finished=finished)


def test_of_two_channels_the_louder_one_is_drawn(tmp_path):
    stereo = np.stack((SOUND // 4, SOUND), axis=1)
    now = [1000.0]
    recorder = FlacRecorder(
        tmp_path,
        stream_id=STREAM_ID,
        owner="alice",
        title="",
        on_state=lambda state: None,
        channels=2,
        storage=RecordingFolder(tmp_path, low_water_bytes=0),
        clock=lambda: now[0],
    )
    recorder.start()
    now[0] += len(stereo) / RATE
    recorder.write(stereo)
    recorder.close(finished=True)
    assert drawn(tmp_path) == bytes(peak(SOUND[at : at + PEAK_SAMPLES]) for at in range(0, len(SOUND), PEAK_SAMPLES))
    (tmp_path / f"{STREAM_ID}.peaks").rename(tmp_path / "before")
    assert make_one_missing(tmp_path, set()) == STREAM_ID
    assert drawn(tmp_path) == (tmp_path / "before").read_bytes()


def drawn(folder: Path) -> bytes:
    return (folder / f"{STREAM_ID}.peaks").read_bytes()


def expected(folder: Path) -> bytes:
    """From the sound as an independent decoder has it."""
    samples = samples_of(folder / f"{STREAM_ID}.flac").astype(np.int64)
    blocks = [samples[at : at + PEAK_SAMPLES] for at in range(0, len(samples), PEAK_SAMPLES)]
    return bytes(min(255, int(np.ceil(255 * np.sqrt(np.abs(block).max() / 32767)))) for block in blocks)


@pytest.mark.parametrize(("sample", "value"), [(0, 0), (1, 2), (-1, 2), (328, 26), (32767, 255), (-32768, 255)])
def test_only_silence_is_nothing_and_quiet_voices_are_seen(sample, value):
    assert peak(np.array([0, sample, 0], np.int16)) == value


def test_a_byte_for_each_frame_the_short_last_one_too(tmp_path):
    recorded(tmp_path, SOUND[: 2 * RATE + 1000])
    assert len(drawn(tmp_path)) == -(-(2 * RATE + 1000) // PEAK_SAMPLES)
    assert drawn(tmp_path) == expected(tmp_path)


def test_a_job_that_goes_on_draws_on_with_the_gap_in_between(tmp_path):
    recorded(tmp_path, SOUND[:RATE], finished=False)
    (tmp_path / f"{STREAM_ID}.peaks").write_bytes(drawn(tmp_path) + b"garbage of a crash")
    recorded(tmp_path, SOUND[RATE : 2 * RATE], at=4)
    assert drawn(tmp_path) == expected(tmp_path)
    assert bytes(20) in drawn(tmp_path)


def test_where_no_drawing_can_be_written_the_recording_is_whole(tmp_path):
    (tmp_path / f"{STREAM_ID}.peaks").mkdir()
    recorded(tmp_path, SOUND)
    np.testing.assert_array_equal(samples_of(tmp_path / f"{STREAM_ID}.flac"), SOUND)


def test_an_older_recording_is_drawn_once(tmp_path):
    recorded(tmp_path, SOUND)
    before = drawn(tmp_path)
    (tmp_path / f"{STREAM_ID}.peaks").unlink()
    done: set[str] = set()
    assert make_one_missing(tmp_path, done) == STREAM_ID
    assert drawn(tmp_path) == before
    assert make_one_missing(tmp_path, done) is None
    assert make_one_missing(tmp_path, set()) is None


@pytest.mark.parametrize("trouble", ["running", "garbage", "no sidecar"])
def test_what_is_still_written_or_cannot_be_read_is_left_alone(tmp_path, trouble, caplog):
    recorded(tmp_path, SOUND, finished=trouble != "running")
    (tmp_path / f"{STREAM_ID}.peaks").unlink()
    if trouble == "garbage":
        (tmp_path / f"{STREAM_ID}.flac").write_bytes(b"garbage" * 1000)
    if trouble == "no sidecar":
        (tmp_path / f"{STREAM_ID}.json").unlink()
    assert make_one_missing(tmp_path, set()) is None
    assert not (tmp_path / f"{STREAM_ID}.peaks").exists()
