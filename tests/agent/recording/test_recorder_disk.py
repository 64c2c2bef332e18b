"""Recordings on disks that have a limit, fill up, fail, stall or lie."""

from __future__ import annotations

import errno
import itertools
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.recording.files import RecordingFolder
from agent.recording.recorder import QUEUE_SAMPLES, FlacRecorder
from agent.recording.repair import repair_file
from tests.agent.judges import RATE, assert_valid, samples_of, speech_like
from tests.agent.studio import BLOCK, SOUND, STREAM_ID, Disk, wait_until


def say_until_full(studio, recorder) -> None:
    recorder.limit(150_000)
    studio.say(recorder, SOUND[: 4 * RATE])  # about 300 kB
    assert [studio.state(), studio.state()] == ["on", "full"]


def test_at_its_limit_a_recording_stops_with_a_valid_file_that_is_closed(studio):
    recorder = studio.recorder()
    say_until_full(studio, recorder)
    assert_valid(studio.audio)
    studio.clock.now += 3600
    studio.say(recorder, SOUND[4 * RATE :])  # said for friends; there is no room for it here
    recorder.close(finished=True)
    kept = assert_valid(studio.audio)
    np.testing.assert_array_equal(kept, SOUND[: len(kept)])
    assert len(kept) <= 4 * RATE
    assert (studio.manifest.state, studio.manifest.samples, studio.manifest.gaps) == ("closed", len(kept), ())


def test_when_there_is_room_again_it_goes_on_in_the_same_item(studio):
    recorder = studio.recorder()
    say_until_full(studio, recorder)
    kept = len(samples_of(studio.audio))
    studio.clock.now += 60
    recorder.limit(None)
    assert studio.state() == "on"
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    heard = assert_valid(studio.audio)
    (gap,) = studio.manifest.gaps
    assert gap.cause == "space for recordings used up"
    assert 55 < gap.length < 65
    np.testing.assert_array_equal(heard[:kept], SOUND[:kept])
    np.testing.assert_array_equal(heard[-RATE:], SOUND[:RATE])


def test_without_any_room_there_is_no_recording(studio):
    recorder = studio.recorder(limit=0)
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "full"
    recorder.close(finished=True)
    assert list(studio.folder.iterdir()) == []


# Disks


def test_a_full_disk_is_told_within_two_seconds_and_the_recording_goes_on_when_there_is_room(studio, writers):
    writer = writers(studio.folder, 7, "60000")
    writer.until("state", "on")
    writer.until("wrote")
    writer.until("state", "failed")
    assert writer.handed < 3 * RATE  # 60 kB hold about 0.9 s of sound
    assert_valid(studio.audio)
    assert studio.audio.stat().st_size <= 60_000
    writer.tell()
    writer.until("state", "on")
    writer.tell()
    writer.until("state", "off")
    assert writer.process.wait(10) == 0
    kept = assert_valid(studio.audio)
    np.testing.assert_array_equal(kept, speech_like(30, 7)[: len(kept)])  # the queue held what came meanwhile
    assert studio.manifest.gaps == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", path], check=False).returncode:
        pytest.skip("a small file system can be mounted by root only; RLIMIT_FSIZE and a failing disk are tested anyway")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_file_system_without_room_loses_no_recorded_sound(small_disk, studio):
    states: queue.Queue[str] = queue.Queue()
    recorder = FlacRecorder(
        small_disk,
        stream_id=STREAM_ID,
        owner="alice",
        title="",
        started_at="",
        on_state=states.put,
        storage=RecordingFolder(small_disk, low_water_bytes=0),
        clock=studio.clock,
    )
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(800_000))
    recorder.start()
    studio.say(recorder, SOUND)  # about 600 kB
    assert [states.get(timeout=10), states.get(timeout=10)] == ["on", "failed"]
    assert_valid(small_disk / f"{STREAM_ID}.flac")
    ballast.unlink()
    assert states.get(timeout=10) == "on"
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(small_disk / f"{STREAM_ID}.flac"), SOUND)


def test_below_the_low_water_mark_the_recording_stops_cleanly(studio):
    storage = RecordingFolder(studio.folder, low_water_bytes=0)
    recorder = FlacRecorder(
        studio.folder,
        stream_id=STREAM_ID,
        owner="alice",
        title="",
        started_at="",
        on_state=studio.states.put,
        storage=storage,
        clock=studio.clock,
    )
    recorder.start()
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "on"
    storage.low_water_bytes = 1 << 60
    assert studio.state() == "failed"
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: len(samples_of(studio.audio))])
    storage.low_water_bytes = 0
    assert studio.state() == "on"
    studio.say(recorder, SOUND[RATE : 2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * RATE])


@pytest.mark.parametrize(
    ("number", "fails_at"),
    [
        (errno.ENOSPC, 0),
        (errno.EIO, 1),
        (errno.ENOSPC, 2),
        (errno.EDQUOT, 9),
        (errno.EIO, 23),
    ],
)
def test_an_error_of_the_disk_at_any_write_costs_nothing(studio, number, fails_at):
    calls = itertools.count()

    def trouble() -> None:
        if fails_at <= next(calls) < fails_at + 2:
            raise OSError(number, os.strerror(number))

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[: 4 * RATE])
    states = [studio.state()]
    while "failed" not in states or states[-1] != "on":
        states.append(studio.state())
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 4 * RATE])
    assert studio.manifest.gaps == ()


def test_short_writes_are_gone_on_with(studio):
    studio.disk.longest_write = 100
    recorder = studio.recorder()
    studio.say(recorder, SOUND[: 2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * RATE])


def test_a_disk_that_stalls_never_blocks_the_sound(studio):
    goes_on, stalled, waited_for = threading.Event(), threading.Event(), threading.Event()

    def stall() -> None:
        if recorder.seconds > 1:
            stalled.set()
            if not goes_on.wait(30):
                waited_for.set()

    studio.disk.trouble = staticmethod(stall)
    recorder = studio.recorder()
    studio.say(recorder, SOUND)
    assert stalled.wait(10)
    minute = np.ones(60 * RATE, np.int16)
    for at in range(0, len(minute), BLOCK):
        studio.say(recorder, minute[at : at + BLOCK])
    assert not waited_for.is_set()
    goes_on.set()
    wait_until(lambda: recorder.seconds > 25)  # the queue runs empty
    studio.say(recorder, SOUND)
    recorder.close(finished=True)
    heard = assert_valid(studio.audio)
    assert len(heard) == 76 * RATE
    np.testing.assert_array_equal(heard[-len(SOUND) :], SOUND)
    (gap,) = studio.manifest.gaps
    assert gap.cause == "disk too slow"
    kept = 68 * RATE - round(gap.length * RATE)
    assert QUEUE_SAMPLES <= kept <= QUEUE_SAMPLES + 8 * RATE
    np.testing.assert_array_equal(heard[: len(SOUND)], SOUND)


def test_closing_waits_a_little_for_a_disk_that_refuses(studio):
    refusals = 2 * [OSError(errno.ENOSPC, "full")]

    def trouble() -> None:
        if recorder.seconds > 1.9 and refusals:
            raise refusals.pop()

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[: 2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * RATE])
    assert studio.manifest.state == "closed"


def test_closing_on_a_disk_that_stays_full_ends(studio, monkeypatch):
    monkeypatch.setattr("agent.recording.recorder.LAST_TRIES_S", 0.2)
    full = threading.Event()

    def trouble() -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "full")

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    wait_until(lambda: studio.audio.exists() and studio.audio.stat().st_size > 0)
    full.set()
    studio.say(recorder, SOUND[RATE : 2 * RATE])
    recorder.close(finished=True)
    assert not recorder._thread.is_alive()
    full.clear()
    assert repair_file(studio.audio).problem == ""
    heard = assert_valid(studio.audio)
    np.testing.assert_array_equal(heard, SOUND[: len(heard)])


def test_sound_reaches_the_file_while_the_disk_takes_its_time(studio):
    """A sync may take seconds; what was written survives the death of the process without it."""
    goes_on, syncing = threading.Event(), threading.Event()

    def sync(self: Disk) -> None:
        syncing.set()
        goes_on.wait(10)

    studio.disk.sync = sync
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    assert syncing.wait(10)
    studio.say(recorder, SOUND[RATE : 4 * RATE])
    wait_until(lambda: recorder.seconds >= 3.99)
    copy = studio.folder.parent / "copy.flac"
    wait_until(lambda: copied(studio.audio, copy) > 3.8)
    goes_on.set()
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 4 * RATE])


def copied(audio: Path, copy: Path) -> float:
    """Seconds that a repair finds in a copy made now."""
    shutil.copyfile(audio, copy)
    return repair_file(copy).seconds


def test_closing_on_a_disk_that_hangs_comes_back(studio):
    goes_on = threading.Event()
    studio.disk.trouble = staticmethod(lambda: goes_on.wait(30))
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    begin = time.monotonic()
    recorder.close(finished=True, timeout_s=0.3)
    assert time.monotonic() - begin < 2
    goes_on.set()
