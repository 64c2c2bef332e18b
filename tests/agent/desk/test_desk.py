"""The desk with its thread and the real denoiser: every voice is what it would be alone, whoever else is there."""

import threading
import time

import numpy as np
import pytest

from agent.denoise import Denoiser
from agent.desk.desk import Desk
from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.desk.load_shedder import SHED_TICKS, SHEDDING
from agent.voice.clean_voices import OVERLOAD
from agent.voice.frames import FRAME, to_float, to_int16

TICKS = 100
LATE_FRAMES = 3  # what goes in comes out so many frames later


@pytest.fixture(scope="module")
def denoiser():
    return Denoiser.load()


@pytest.fixture
def desk(denoiser):
    made = Desk(denoiser)
    yield made
    made.stop()


def noise(frames, seed):
    """Bursts of noise over a hum: something to remove and something to keep."""
    rng = np.random.default_rng(seed)
    at = np.arange(frames * FRAME).reshape(frames, FRAME)
    loud = np.repeat(rng.uniform(0.1, 1, frames // 5 + 1), 5)[:frames, None]
    return (
        np.rint(3000 * loud * rng.standard_normal(at.shape) + 6000 * np.sin(at * 0.02 * (seed + 1)))
        .clip(-32768, 32767)
        .astype(np.int16)
    )


class Voice:
    """One seat, and what came out of it."""

    def __init__(self, desk, sound, **options):
        self.desk = desk
        self.sound = sound
        self.fed = 0
        self.frames = []
        self.came = threading.Condition()
        self.failed = []
        self.seat = desk.open(self.take, self.failed.append, **({"music": False, "strength_db": 100.0} | options))

    def take(self, frame):
        with self.came:
            self.frames.append(frame)
            self.came.notify()

    def feed(self):
        self.desk.put(self.seat, self.sound[self.fed])
        self.fed += 1

    def has(self, count):
        with self.came:
            assert self.came.wait_for(lambda: len(self.frames) >= count, 20), f"{len(self.frames)} of {count}"

    @property
    def heard(self):
        return np.concatenate([frame.heard for frame in self.frames])

    def alone(self, denoiser, strength_db=100.0):
        """What a stream of its own makes of all that was fed, as late as the desk."""
        stream = denoiser.stream(strength_db=strength_db)
        clean = stream.feed(to_float(self.sound[: self.fed].ravel()))
        return np.concatenate([np.zeros(LATE_FRAMES * FRAME, np.int16), to_int16(clean)])[: self.fed * FRAME]


def fed_together(voices):
    for voice in voices:
        voice.feed()
    for voice in voices:
        voice.has(voice.fed)


def is_same(heard, expected):
    assert heard.shape == expected.shape
    return int(np.abs(heard.astype(np.int32) - expected).max()) <= 1  # the size of a batch may change the rounding


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_every_voice_of_a_batch_is_what_it_is_alone(desk, denoiser, count):
    voices = [Voice(desk, noise(TICKS, seed), strength_db=[100.0, 12.0][seed % 2]) for seed in range(count)]
    for _ in range(TICKS):
        fed_together(voices)
    for seed, voice in enumerate(voices):
        assert is_same(voice.heard, voice.alone(denoiser, [100.0, 12.0][seed % 2]))
    assert np.array_equal(
        np.concatenate([frame.original for frame in voices[0].frames[LATE_FRAMES:]]), voices[0].sound[:-LATE_FRAMES].ravel()
    )


def test_voices_that_are_missing_come_and_go_change_nothing_for_the_others(desk, denoiser):
    """Voice v comes at tick 5 v, leaves at tick 60 + 3 v, and has no frame in one tick of four."""
    chance = np.random.default_rng(7)
    all_voices, present = [], []
    for tick in range(TICKS):
        if tick % 5 == 0 and len(all_voices) < 7:
            present.append(Voice(desk, noise(TICKS, len(all_voices))))
            all_voices.append(present[-1])
        for voice in [voice for voice in present if tick >= 60 + 3 * all_voices.index(voice)]:
            desk.close(voice.seat)
            present.remove(voice)
        fed_together([voice for voice in present if chance.random() > 0.25])
    for voice in all_voices:
        assert voice.fed > 20
        assert is_same(voice.heard, voice.alone(denoiser))
        assert voice.seat.lost == 0


def test_a_burst_after_a_stall_is_worked_off_in_order(desk, denoiser):
    voice, other = Voice(desk, noise(TICKS, 1)), Voice(desk, noise(TICKS, 2))
    fed_together([voice, other])
    for _ in range(MAX_QUEUED_FRAMES - 2):
        voice.feed()  # the other is silent meanwhile
    voice.has(voice.fed)
    fed_together([voice, other])
    assert is_same(voice.heard, voice.alone(denoiser))
    assert is_same(other.heard, other.alone(denoiser))


def test_no_more_than_100_ms_wait_for_the_desk(desk):
    """A sink that does not return holds the desk up, as nothing may."""
    free = threading.Event()
    blocking = Voice(desk, noise(4, 1))
    blocking.seat.sink = lambda _frame: free.wait(20)
    voice = Voice(desk, noise(40, 2))
    blocking.feed()
    while not desk.ticks:
        time.sleep(0.001)
    for _ in range(40):
        voice.feed()
    assert voice.seat.lost == 40 - MAX_QUEUED_FRAMES
    assert voice.seat.queue.length == MAX_QUEUED_FRAMES
    free.set()
    voice.has(MAX_QUEUED_FRAMES)
    # The newest are kept: whoever listens hears what is said now.
    originals = np.stack([frame.original for frame in voice.frames[LATE_FRAMES:]])
    assert np.array_equal(originals, voice.sound[40 - MAX_QUEUED_FRAMES : 40 - LATE_FRAMES])
    assert voice.seat.late_s > 0


def test_a_desk_that_is_always_behind_gives_up_cleaning(desk):
    """Two frames come while it takes one, so that it never catches up."""
    voice = Voice(desk, np.resize(noise(50, 1), (1000, FRAME)))
    take = voice.seat.sink

    def slowly(frame):
        voice.feed()
        voice.feed()
        take(frame)
        time.sleep(0.005)

    voice.seat.sink = slowly
    voice.feed()
    voice.has(SHED_TICKS + 50)
    voice.seat.sink = take
    assert voice.seat.lost > 50
    assert desk.stage == SHEDDING
    assert voice.frames[-1].paused == OVERLOAD


def test_a_voice_whose_sink_raises_is_taken_off_and_harms_no_other(desk, denoiser):
    bad, good = Voice(desk, noise(TICKS, 1)), Voice(desk, noise(TICKS, 2))
    fed_together([bad, good])
    error = RuntimeError("the recorder is broken")

    def raising(_frame):
        raise error

    bad.seat.sink = raising
    for _ in range(20):
        bad.feed()
        good.feed()
        good.has(good.fed)
    assert bad.failed == [error]
    assert desk.voices == 1
    assert is_same(good.heard, good.alone(denoiser))


def test_music_passes_beside_the_voices(desk, denoiser):
    voice = Voice(desk, noise(30, 1))
    stereo = np.stack([noise(30, 2), noise(30, 3)], axis=2)
    music = Voice(desk, stereo, music=True)
    for _ in range(30):
        fed_together([voice, music])
    assert np.array_equal(music.heard, stereo.reshape(-1, 2))
    assert is_same(voice.heard, voice.alone(denoiser))
    assert music.seat.reading.removed_db == 0


def test_meters_and_controls_reach_their_own_voice(desk):
    voices = [Voice(desk, noise(TICKS, seed)) for seed in range(3)]
    desk.set_bypass(voices[1].seat, True)
    desk.set_strength(voices[2].seat, 0)
    for _ in range(TICKS):
        fed_together(voices)
    assert [voice.frames[-1].paused for voice in voices] == [None, "original sound chosen", None]
    assert voices[0].seat.reading.removed_db > 1
    assert voices[2].seat.reading.removed_db == pytest.approx(0, abs=0.5)
    assert np.array_equal(voices[1].frames[-1].heard, voices[1].frames[-1].original)
    desk.close(voices[0].seat)
    fed = voices[1].fed
    voices[1].sound = noise(fed + 2, 1)
    fed_together([voices[1]])
    assert voices[1].frames[-1].paused == "original sound chosen"


def test_it_sleeps_while_nobody_speaks(desk):
    voice = Voice(desk, noise(TICKS, 1))
    fed_together([voice])
    time.sleep(0.05)  # the beats after which it stops waiting for the voice
    before = cpu_s(desk)
    time.sleep(0.3)
    assert cpu_s(desk) - before < 0.01


def cpu_s(desk):
    with open(f"/proc/self/task/{desk._thread.native_id}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9
