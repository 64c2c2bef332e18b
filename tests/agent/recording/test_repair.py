"""What a crash left of a recording, brought in order by the worker or by hand."""

from __future__ import annotations

import asyncio
import os

import numpy as np
import pytest

from agent.recording.repair import keep_repaired, repair_file, repair_folder
from tests.agent.judges import RATE, assert_valid
from tests.agent.studio import SOUND, STREAM_ID, WHOLE, wait_until


def test_the_worker_repairs_what_a_crash_left_and_nothing_else(studio, writers):
    writer = writers(studio.folder, 3)
    writer.until("wrote", "72000")
    writer.kill()
    with studio.audio.open("ab") as file:
        file.write(b"\0" * 5000)
    (report,) = repair_folder(studio.folder)
    assert (report.stream_id, report.problem, report.busy) == (STREAM_ID, "", False)
    assert report.cut_bytes >= 5000
    assert (studio.manifest.state, studio.manifest.samples) == ("recovered", len(assert_valid(studio.audio)))
    assert repair_folder(studio.folder) == []


async def test_the_worker_repairs_at_its_start_and_again_later(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    work = asyncio.create_task(keep_repaired(studio.folder, every_s=0.05))
    await asyncio.to_thread(wait_until, lambda: studio.manifest.state == "recovered")
    recorder = studio.recorder()  # the next job, which dies, too
    studio.say(recorder, SOUND[:RATE])
    await asyncio.to_thread(recorder.close, finished=False)
    await asyncio.to_thread(wait_until, lambda: studio.manifest.state == "recovered" and studio.manifest.samples > RATE * 1.9)
    (studio.folder / f"{STREAM_ID}.json").unlink()
    await asyncio.sleep(0.1)
    assert not work.done()
    work.cancel()


def test_a_problem_is_reported_once_to_who_comes_again(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    (studio.folder / f"{STREAM_ID}.json").write_text("{")
    settled: set[str] = set()
    assert len(repair_folder(studio.folder, settled)) == 1
    assert repair_folder(studio.folder, settled) == []
    assert len(repair_folder(studio.folder)) == 1


def test_sound_that_was_lost_is_told(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND)
    recorder.close(finished=True)
    os.truncate(studio.audio, studio.audio.stat().st_size // 2)
    report = repair_file(studio.audio)
    kept = assert_valid(studio.audio)
    assert report.lost_seconds == pytest.approx(8 - len(kept) / RATE)
    assert report.seconds == pytest.approx(len(kept) / RATE)
    assert studio.manifest.state == "truncated"


def test_a_file_without_a_sidecar_is_reported_and_kept(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    (studio.folder / f"{STREAM_ID}.json").unlink()
    (report,) = repair_folder(studio.folder)
    assert "no sidecar" in report.problem
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])


@pytest.mark.parametrize("name", ["missing.flac", "notes.txt"])
def test_repair_by_hand_says_what_it_cannot_repair(tmp_path, name):
    (tmp_path / "notes.txt").write_text("no sound")
    assert "is not a .flac file" in repair_file(tmp_path / name).problem


def test_repair_refuses_what_is_no_recording_and_leaves_it(tmp_path):
    path = tmp_path / "song.flac"
    path.write_bytes(b"fLaC" + bytes(range(256)) * 100)
    before = path.read_bytes()
    assert "not a recording" in repair_file(path).problem
    assert path.read_bytes() == before


def test_a_symbolic_link_is_not_followed(studio, tmp_path):
    target = tmp_path / "target.flac"
    target.write_bytes(b"precious")
    studio.folder.mkdir()
    studio.audio.symlink_to(target)
    assert "cannot be opened" in repair_file(studio.audio).problem
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("damaged_head", [False, True])
def test_a_stereo_recording_of_a_dead_writer_is_repaired(studio, damaged_head):
    stereo = np.stack((SOUND, -SOUND), axis=1)[:WHOLE]
    recorder = studio.recorder(channels=2)
    studio.say(recorder, stereo)
    recorder.close(finished=False)
    before = studio.audio.read_bytes()
    studio.audio.write_bytes((bytes(62) + before[62:] if damaged_head else before) + b"half a frame")
    (report,) = repair_folder(studio.folder)
    assert (report.problem, report.cut_bytes) == ("", len(b"half a frame"))
    np.testing.assert_array_equal(assert_valid(studio.audio, channels=2), stereo)
