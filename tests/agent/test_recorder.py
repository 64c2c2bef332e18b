"""Recordings that nothing can break: crashes, disks that fill up, stall or lie, clocks, and half a sidecar."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from agent.recorder import QUEUE_SAMPLES, FlacRecorder
from agent.repair import keep_repaired, repair_file, repair_folder
from agent.storage import DiskFile, RecordingFolder
from contract import ContractError, RecordingHead, RecordingManifest, Span
from tests.agent.judges import RATE, assert_valid, flac_says_ok, samples_of, speech_like

STREAM_ID = "5" * 32        # as in recording_writer.py
BLOCK = 480


class Clock:
    """Boot time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk(DiskFile):
    """A real file on a disk that misbehaves on demand."""

    trouble: Callable[[], None] = staticmethod(lambda: None)
    longest_write = 1 << 30

    def _write_some(self, data: memoryview, offset: int) -> int:
        type(self).trouble()
        return super()._write_some(data[:self.longest_write], offset)

    def sync(self) -> None:
        type(self).trouble()
        super().sync()


class Folder(RecordingFolder):
    def __init__(self, path: Path, kind: type[Disk]) -> None:
        super().__init__(path)
        self.kind = kind

    def open_audio(self, stream_id: str, *, create: bool = False) -> DiskFile:
        file = super().open_audio(stream_id, create=create)
        disk = self.kind(os.dup(file._descriptor))        # the lock belongs to both
        file.close()
        return disk


class Studio:
    """A broadcast that is recorded by one recorder after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.states: queue.Queue[str] = queue.Queue()
        self.disk = type("DiskOfThisTest", (Disk,), {})
        self.audio = folder / f"{STREAM_ID}.flac"

    def recorder(
        self, *, title: str = "A walk", clock: Callable[[], float] | None = None, limit: int | None = None, channels: int = 1,
    ) -> FlacRecorder:
        recorder = FlacRecorder(
            self.folder, stream_id=STREAM_ID, owner="alice", title=title, started_at="2026-01-02T03:04:05Z",
            on_state=self.states.put, storage=Folder(self.folder, self.disk), clock=clock or self.clock, channels=channels,
        )
        recorder.limit(limit)
        recorder.start()
        return recorder

    def say(self, recorder: FlacRecorder, sound: np.ndarray) -> None:
        """Sound in 10 ms blocks, each at its time."""
        for at in range(0, len(sound), BLOCK):
            self.clock.now += len(sound[at:at + BLOCK]) / RATE
            recorder.write(sound[at:at + BLOCK])

    def state(self) -> str:
        return self.states.get(timeout=10)

    @property
    def manifest(self) -> RecordingManifest:
        return RecordingManifest.from_json((self.folder / f"{STREAM_ID}.json").read_text())


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path / "recordings")


SOUND = speech_like(8)
WHOLE = 10 * 4608           # whole frames: an unfinished recording gets no silence at its end


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# The whole way


def test_a_recording_is_every_sample_with_a_sidecar_and_an_md5(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:100_001])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:100_001])
    assert "WARNING" not in flac_says_ok(studio.audio)
    assert studio.manifest.with_(boot_id="", boot_time=0.0) == RecordingManifest(
        STREAM_ID, "alice", "A walk", "2026-01-02T03:04:05Z", "closed", samples=100_001,
    )
    assert recorder.seconds == pytest.approx(100_001 / RATE)
    assert [studio.state(), studio.state()] == ["on", "off"]
    assert recorder.state == "off"
    assert sorted(path.name for path in studio.folder.iterdir()) == [
        f"{STREAM_ID}.flac", f"{STREAM_ID}.json", f"{STREAM_ID}.peaks",
    ]


@pytest.mark.parametrize("length", [1, 7, 480, 4608, 4609, 48_000])
def test_blocks_may_have_any_length(studio, length):
    recorder = studio.recorder()
    for at in range(0, RATE, length):
        studio.clock.now += len(SOUND[at:min(RATE, at + length)]) / RATE
        recorder.write(SOUND[at:min(RATE, at + length)])
    recorder.close(finished=True)
    np.testing.assert_array_equal(samples_of(studio.audio), SOUND[:RATE])


def test_the_caller_may_use_its_block_again(studio):
    recorder = studio.recorder()
    block = SOUND[:RATE].copy()
    studio.say(recorder, block)
    block[:] = 0
    recorder.close(finished=True)
    np.testing.assert_array_equal(samples_of(studio.audio), SOUND[:RATE])


def test_it_is_valid_at_every_moment_and_shows_its_length_to_one_second(studio, tmp_path):
    recorder = studio.recorder(clock=None)
    copy = tmp_path / "copy.flac"
    looked = 0
    begin = time.monotonic()
    for at in range(0, 4 * RATE, BLOCK):
        time.sleep(max(0.0, begin + at / RATE - time.monotonic()))      # real time: the head is renewed each second
        studio.say(recorder, SOUND[at:at + BLOCK])
        if at % (BLOCK * 17) == 0 and studio.audio.exists() and studio.audio.stat().st_size:
            before = recorder.seconds
            shutil.copyfile(studio.audio, copy)
            heard = assert_valid(copy)
            np.testing.assert_array_equal(heard, SOUND[:len(heard)])
            assert before - len(heard) / RATE < 1.5
            looked += 1
    recorder.close(finished=True)
    assert looked > 15


def test_nothing_is_left_of_a_recording_without_sound(studio):
    recorder = studio.recorder()
    assert studio.state() == "on"
    recorder.close(finished=True)
    assert list(studio.folder.iterdir()) == []


def test_what_comes_after_the_end_is_ignored(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    before = studio.audio.read_bytes()
    studio.say(recorder, SOUND[:RATE])
    recorder.rename("Too late")
    recorder.close(finished=False)
    assert studio.audio.read_bytes() == before
    assert studio.manifest.title == "A walk"


def test_a_broken_listener_for_states_does_not_stop_the_recording(studio):
    def broken(state: str) -> None:
        raise RuntimeError("the event loop is closed")

    recorder = FlacRecorder(studio.folder, stream_id=STREAM_ID, owner="alice", title="", started_at="", on_state=broken,
                            clock=studio.clock)
    recorder.start()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])


# Crashes


class Writer:
    """A process that runs recording_writer.py."""

    def __init__(self, folder: Path, seed: int, *limit: str) -> None:
        script = Path(__file__).with_name("recording_writer.py")
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(folder), str(seed), *limit],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert self.process.stdout is not None
        self.lines = (line.decode().split() for line in self.process.stdout)
        self.handed = 0

    def read(self) -> Iterator[tuple[str, str]]:
        for kind, value in self.lines:
            if kind == "wrote":
                self.handed = int(value)
            yield kind, value

    def until(self, kind: str, value: str = "") -> None:
        for line in self.read():
            if line == (kind, value or line[1]):
                return
        pytest.fail(f"the writer ended before it said {kind} {value}")

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def kill(self) -> int:
        """Samples that it had handed to the recorder."""
        self.process.send_signal(signal.SIGKILL)
        for _ in self.read():
            pass
        self.process.wait()
        return self.handed


@pytest.fixture
def writers() -> Iterator[Callable[..., Writer]]:
    started: list[Writer] = []

    def start(*arguments: object) -> Writer:
        started.append(Writer(*arguments))      # type: ignore[arg-type]
        return started[-1]

    yield start
    for writer in started:
        writer.process.kill()
        writer.process.wait()


@pytest.mark.flaky(reruns=2)        # a machine that gives the writer's thread no turn for half a second loses more
def test_twenty_kills_at_random_moments_lose_at_most_half_a_second_each(studio, writers):
    moments = random.Random(5)
    kept_before = np.zeros(0, np.int16)
    for kill in range(20):
        writer = writers(studio.folder, kill)
        writer.until("wrote")
        time.sleep(moments.uniform(0.3, 0.9))
        handed = writer.kill()
        report = repair_file(studio.audio)
        assert report.problem == ""
        kept = assert_valid(studio.audio)
        np.testing.assert_array_equal(kept[:len(kept_before)], kept_before)      # bit for bit before the cut
        sound = np.trim_zeros(kept[len(kept_before):], "f")                      # behind the silence of the time in between
        np.testing.assert_array_equal(sound, speech_like(30, kill)[:len(sound)])
        assert handed - len(sound) <= RATE / 2, f"kill {kill}"
        kept_before = kept
    manifest = studio.manifest
    assert {gap.cause for gap in manifest.gaps} == {"noise remover restarted"}
    assert len(manifest.gaps) >= 15             # none when the kill came before the first sound
    for gap in manifest.gaps:
        silence = kept_before[round(gap.start * RATE):round((gap.start + gap.length) * RATE)]
        assert len(silence) > RATE / 4
        assert not silence.any()
    assert [path.name for path in studio.folder.glob("*.flac")] == [f"{STREAM_ID}.flac"]
    assert manifest.state == "recovered"


def test_a_killed_recording_goes_on_without_a_repair_by_hand(studio, writers):
    writer = writers(studio.folder, 1)
    writer.until("wrote", "60000")
    writer.kill()
    before = studio.audio.read_bytes()
    end = RecordingHead.from_bytes(before).end
    recorder = studio.recorder(clock=None, title="A longer walk")
    recorder.write(SOUND[:RATE])
    recorder.close(finished=True)
    assert studio.audio.read_bytes()[4096:end] == before[4096:end]
    assert_valid(studio.audio)
    assert "WARNING" not in flac_says_ok(studio.audio)       # the MD5 of all samples, also of the other process's
    assert (studio.manifest.state, studio.manifest.title) == ("closed", "A longer walk")


def test_a_second_writer_waits_until_the_first_has_gone(studio):
    first = studio.recorder()
    studio.say(first, SOUND[:WHOLE])
    assert studio.state() == "on"
    second = studio.recorder()
    assert studio.state() == "failed"
    first.close(finished=False)
    assert studio.state() == "off"
    assert studio.state() == "on"
    studio.say(second, SOUND[WHOLE:2 * WHOLE])
    second.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * WHOLE])


def test_the_recording_that_is_being_written_is_not_repaired(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "on"
    assert repair_folder(studio.folder) == []
    recorder.close(finished=True)


# Limits


def say_until_full(studio, recorder) -> None:
    recorder.limit(150_000)
    studio.say(recorder, SOUND[:4 * RATE])      # about 300 kB
    assert [studio.state(), studio.state()] == ["on", "full"]


def test_at_its_limit_a_recording_stops_with_a_valid_file_that_is_closed(studio):
    recorder = studio.recorder()
    say_until_full(studio, recorder)
    assert_valid(studio.audio)
    studio.clock.now += 3600
    studio.say(recorder, SOUND[4 * RATE:])      # said for friends; there is no room for it here
    recorder.close(finished=True)
    kept = assert_valid(studio.audio)
    np.testing.assert_array_equal(kept, SOUND[:len(kept)])
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
    assert writer.handed < 3 * RATE             # 60 kB hold about 0.9 s of sound
    assert_valid(studio.audio)
    assert studio.audio.stat().st_size <= 60_000
    writer.tell()
    writer.until("state", "on")
    writer.tell()
    writer.until("state", "off")
    assert writer.process.wait(10) == 0
    kept = assert_valid(studio.audio)
    np.testing.assert_array_equal(kept, speech_like(30, 7)[:len(kept)])       # the queue held what came meanwhile
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
    recorder = FlacRecorder(small_disk, stream_id=STREAM_ID, owner="alice", title="", started_at="", on_state=states.put,
                            storage=RecordingFolder(small_disk, low_water_bytes=0), clock=studio.clock)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(800_000))
    recorder.start()
    studio.say(recorder, SOUND)                 # about 600 kB
    assert [states.get(timeout=10), states.get(timeout=10)] == ["on", "failed"]
    assert_valid(small_disk / f"{STREAM_ID}.flac")
    ballast.unlink()
    assert states.get(timeout=10) == "on"
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(small_disk / f"{STREAM_ID}.flac"), SOUND)


def test_below_the_low_water_mark_the_recording_stops_cleanly(studio):
    storage = RecordingFolder(studio.folder, low_water_bytes=0)
    recorder = FlacRecorder(studio.folder, stream_id=STREAM_ID, owner="alice", title="", started_at="",
                            on_state=studio.states.put, storage=storage, clock=studio.clock)
    recorder.start()
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "on"
    storage.low_water_bytes = 1 << 60
    assert studio.state() == "failed"
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:len(samples_of(studio.audio))])
    storage.low_water_bytes = 0
    assert studio.state() == "on"
    studio.say(recorder, SOUND[RATE:2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * RATE])


@pytest.mark.parametrize(("number", "fails_at"), [
    (errno.ENOSPC, 0), (errno.EIO, 1), (errno.ENOSPC, 2), (errno.EDQUOT, 9), (errno.EIO, 23),
])
def test_an_error_of_the_disk_at_any_write_costs_nothing(studio, number, fails_at):
    calls = itertools.count()

    def trouble() -> None:
        if fails_at <= next(calls) < fails_at + 2:
            raise OSError(number, os.strerror(number))

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:4 * RATE])
    states = [studio.state()]
    while "failed" not in states or states[-1] != "on":
        states.append(studio.state())
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:4 * RATE])
    assert studio.manifest.gaps == ()


def test_short_writes_are_gone_on_with(studio):
    studio.disk.longest_write = 100
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * RATE])


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
        studio.say(recorder, minute[at:at + BLOCK])
    assert not waited_for.is_set()
    goes_on.set()
    wait_until(lambda: recorder.seconds > 25)   # the queue runs empty
    studio.say(recorder, SOUND)
    recorder.close(finished=True)
    heard = assert_valid(studio.audio)
    assert len(heard) == 76 * RATE
    np.testing.assert_array_equal(heard[-len(SOUND):], SOUND)
    (gap,) = studio.manifest.gaps
    assert gap.cause == "disk too slow"
    kept = 68 * RATE - round(gap.length * RATE)
    assert QUEUE_SAMPLES <= kept <= QUEUE_SAMPLES + 8 * RATE
    np.testing.assert_array_equal(heard[:len(SOUND)], SOUND)


def test_closing_waits_a_little_for_a_disk_that_refuses(studio):
    refusals = 2 * [OSError(errno.ENOSPC, "full")]

    def trouble() -> None:
        if recorder.seconds > 1.9 and refusals:
            raise refusals.pop()

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * RATE])
    assert studio.manifest.state == "closed"


def test_closing_on_a_disk_that_stays_full_ends(studio, monkeypatch):
    monkeypatch.setattr("agent.recorder.LAST_TRIES_S", 0.2)
    full = threading.Event()

    def trouble() -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "full")

    studio.disk.trouble = staticmethod(trouble)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    wait_until(lambda: studio.audio.exists() and studio.audio.stat().st_size > 0)
    full.set()
    studio.say(recorder, SOUND[RATE:2 * RATE])
    recorder.close(finished=True)
    assert not recorder._thread.is_alive()
    full.clear()
    assert repair_file(studio.audio).problem == ""
    heard = assert_valid(studio.audio)
    np.testing.assert_array_equal(heard, SOUND[:len(heard)])


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
    studio.say(recorder, SOUND[RATE:4 * RATE])
    wait_until(lambda: recorder.seconds >= 3.99)
    copy = studio.folder.parent / "copy.flac"
    wait_until(lambda: copied(studio.audio, copy) > 3.8)
    goes_on.set()
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:4 * RATE])


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


# Time


def test_missing_time_becomes_silence_and_an_entry(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.expect_gap("overload")
    studio.clock.now += 3
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 2
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    heard = assert_valid(studio.audio)
    expected = np.concatenate((SOUND[:RATE], np.zeros(3 * RATE), SOUND[:RATE], np.zeros(2 * RATE), SOUND[:RATE]))
    np.testing.assert_array_equal(heard, expected)
    assert studio.manifest.gaps == (Span(1.0, 3.0, "overload"), Span(5.0, 2.0, "connection"))


def test_a_gap_before_the_very_last_block_is_filled_too(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 1
    studio.say(recorder, SOUND[:BLOCK])
    recorder.close(finished=True)
    assert len(assert_valid(studio.audio)) == 2 * RATE + BLOCK
    assert studio.manifest.gaps == (Span(1.0, 1.0, "connection"),)


def test_a_hiccup_below_a_quarter_second_is_no_gap(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 0.2
    studio.say(recorder, SOUND[RATE:2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * RATE])
    assert studio.manifest.gaps == ()


def test_sound_that_is_late_and_comes_in_a_burst_is_no_gap(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 0.5                     # the program was held up
    for at in range(RATE, RATE + RATE // 2, BLOCK):
        recorder.write(SOUND[at:at + BLOCK])
    studio.say(recorder, SOUND[RATE + RATE // 2:3 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:3 * RATE])
    assert studio.manifest.gaps == ()


def test_early_sound_is_never_dropped(studio):
    recorder = studio.recorder()
    for at in range(0, len(SOUND), BLOCK):
        recorder.write(SOUND[at:at + BLOCK])    # the clock stands still
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND)


def test_a_resumed_recording_fills_the_time_in_between(studio):
    for part, finished in ((SOUND[:RATE + 100], False), (SOUND[:RATE], True)):
        recorder = studio.recorder()
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio)
    np.testing.assert_array_equal(heard, np.concatenate((SOUND[:RATE + 100], np.zeros(4 * RATE), SOUND[:RATE])))
    (gap,) = studio.manifest.gaps
    assert gap.cause == "noise remover restarted"
    assert gap.start * RATE % 4608 == 0                     # behind the silence that filled the block
    assert gap.start + gap.length == pytest.approx((5 * RATE + 100) / RATE)
    assert "WARNING" not in flac_says_ok(studio.audio)


def test_a_stereo_recording_is_resumed_with_its_gap_and_both_channels(studio):
    stereo = np.stack((SOUND, speech_like(8, seed=2)), axis=1)
    for part, finished in ((stereo[:RATE + 100], False), (stereo[:RATE + 7], True)):
        recorder = studio.recorder(channels=2)
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio, channels=2)
    np.testing.assert_array_equal(heard, np.concatenate((stereo[:RATE + 100], np.zeros((4 * RATE, 2)), stereo[:RATE + 7])))
    assert "WARNING" not in flac_says_ok(studio.audio)          # the MD5 is there, and right


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


def test_going_on_changes_no_byte_of_what_was_written_before(studio):
    """Somebody may be listening to the recording meanwhile."""
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE + 100])
    recorder.close(finished=False)
    before = studio.audio.read_bytes()
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    assert studio.audio.read_bytes()[4096:len(before)] == before[4096:]


def test_without_a_time_of_its_start_the_first_sample_counts(studio):
    recorder = FlacRecorder(studio.folder, stream_id=STREAM_ID, owner="alice", title="", on_state=studio.states.put)
    recorder.start()
    assert studio.state() == "on"
    time.sleep(1.1)
    before = time.time()
    recorder.write(SOUND[:BLOCK])
    recorder.close(finished=True)
    assert datetime.fromisoformat(studio.manifest.started_at).timestamp() == pytest.approx(before, abs=0.5)


def test_an_unfinished_recording_says_live(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    assert studio.manifest.state == "live"


def test_after_a_reboot_the_wall_clock_tells_the_time_in_between(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    RecordingFolder(studio.folder).write_manifest(replace(studio.manifest, boot_id="another boot", started_at=started))
    studio.clock.now = 5.0
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    assert len(assert_valid(studio.audio)) / RATE == pytest.approx(61, abs=2)
    assert studio.manifest.started_at == started


# Sidecar


def test_spans_without_noise_removal_stand_in_the_sidecar(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.pause_began("overload")
    studio.say(recorder, SOUND[RATE:3 * RATE])
    recorder.pause_ended()
    studio.say(recorder, SOUND[3 * RATE:4 * RATE])
    recorder.pause_began("noise remover failed")
    studio.say(recorder, SOUND[4 * RATE:5 * RATE])
    recorder.close(finished=True)
    assert studio.manifest.paused == (Span(1.0, 2.0, "overload"), Span(4.0, 1.0, "noise remover failed"))


def test_a_pause_that_a_crash_left_open_lasts_to_the_end(studio, writers):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:WHOLE])
    recorder.close(finished=False)
    RecordingFolder(studio.folder).write_manifest(replace(studio.manifest, paused=(Span(0.25, 0.0, "overload"),)))
    repair_folder(studio.folder)
    assert studio.manifest.paused == (Span(0.25, 0.71, "overload"),)


def test_a_new_title_stands_in_the_sidecar_while_the_stream_runs(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.rename("Évening ☂ walk")
    sidecar = studio.folder / f"{STREAM_ID}.json"
    wait_until(lambda: sidecar.exists() and studio.manifest.title == "Évening ☂ walk")
    recorder.close(finished=True)
    assert (studio.manifest.title, studio.manifest.state) == ("Évening ☂ walk", "closed")


@pytest.mark.parametrize("half", ["", "{", '{"stream_id": "5555', "[]", '{"stream_id": 5}', "\0\0\0"])
def test_half_a_sidecar_does_not_stop_the_next_job_and_is_written_anew(studio, half):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:WHOLE])
    recorder.close(finished=False)
    (studio.folder / f"{STREAM_ID}.json").write_text(half)
    (report,) = repair_folder(studio.folder)
    assert "sidecar" in report.problem
    recorder = studio.recorder()
    studio.say(recorder, SOUND[WHOLE:2 * WHOLE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * WHOLE])
    assert (studio.manifest.owner, studio.manifest.state, studio.manifest.samples) == ("alice", "closed", 2 * WHOLE)


def test_a_sidecar_is_replaced_whole_or_not_at_all(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    path = studio.folder / f"{STREAM_ID}.json"
    for number in range(50):
        recorder.rename(f"Title {number} " + "x" * 5000)
        if path.exists():
            assert RecordingManifest.from_json(path.read_text()).stream_id == STREAM_ID
    recorder.close(finished=True)
    assert studio.manifest.title.startswith("Title 49 ")


# Repair


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
    recorder = studio.recorder()                # the next job, which dies, too
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


@pytest.mark.parametrize("stream_id", ["../evil", "", "a/b", "x" * 65, ".."])
def test_an_id_cannot_name_a_file_elsewhere(tmp_path, stream_id):
    with pytest.raises(ValueError, match="cannot be a file name"):
        RecordingFolder(tmp_path).audio_path(stream_id)


def test_a_symbolic_link_is_not_followed(studio, tmp_path):
    target = tmp_path / "target.flac"
    target.write_bytes(b"precious")
    studio.folder.mkdir()
    studio.audio.symlink_to(target)
    assert "cannot be opened" in repair_file(studio.audio).problem
    assert target.read_bytes() == b"precious"


def test_a_damaged_file_is_set_aside_and_the_recording_begins_anew(studio):
    studio.folder.mkdir()
    other = b"fLaC" + np.random.default_rng(4).bytes(40_000)
    studio.audio.write_bytes(other)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])
    assert studio.audio.with_name(f"{STREAM_ID}.flac.damaged-1").read_bytes() == other


def test_a_manifest_of_others_raises_one_error():
    with pytest.raises(ContractError):
        RecordingManifest.from_json("{}")
