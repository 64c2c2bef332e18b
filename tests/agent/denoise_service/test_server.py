"""The batches of the denoising process: their sound against separate runs, and their time against the beats of the voices."""

import itertools
import os
import random
import signal
import time

import numpy as np
import pytest

from agent.denoise import Denoiser
from agent.denoise.spectrum import HOP
from agent.denoise_service.server import HOP_S, MAX_BATCH, BatchRunner, BatchScheduler
from agent.denoise_service.shared_memory import Slot
from tests.agent.denoising import ROUNDING, Job, noise, sine, speech

SLOTS = 6


@pytest.fixture(scope="module")
def denoiser():
    return Denoiser.load()


class Seat:
    """A link whose other end is a runner in this process."""

    def __init__(self, runner, number):
        self.number = number
        self._slot = Slot(runner.slots.record, runner.slots.memory, number)

    def slot(self):
        return self._slot


def seated(denoiser, slots=SLOTS, *, every_ns=10_000_000, **options):
    """A runner and a job in each of its slots, to which hops come in step."""
    runner = BatchRunner(denoiser, slots)
    runner.make_room(slots)
    clocks = [itertools.count(step=every_ns).__next__ for _ in range(slots)]
    return runner, [Job(denoiser, Seat(runner, number), clock=clock, **options) for number, clock in enumerate(clocks)]


def step_all(runner):
    rows = runner.waiting()
    if len(rows):
        runner.step(rows)


# --- sound ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound", [sine, noise, speech])
def test_a_voice_in_the_process_equals_a_run_of_its_own(denoiser, sound):
    runner, [job] = seated(denoiser, 1)
    for hop in sound(150):
        job.feed(hop)
        step_all(runner)
    assert job.difference <= ROUNDING
    assert job.stream.own_hops == 0


def test_every_voice_of_a_batch_equals_a_run_of_its_own(denoiser):
    runner, jobs = seated(denoiser)
    for number in range(100):
        for seed, job in enumerate(jobs):
            job.feed(noise(100, seed)[number])
        step_all(runner)
    assert max(job.difference for job in jobs) <= ROUNDING
    assert len({job.heard[-1].tobytes() for job in jobs}) == SLOTS


def test_more_voices_than_a_batch_holds(denoiser):
    runner, jobs = seated(denoiser, MAX_BATCH + 3)
    for hop in noise(12):
        for job in jobs:
            job.feed(hop)
        step_all(runner)
    assert max(job.difference for job in jobs) <= ROUNDING
    assert sum(job.stream.own_hops for job in jobs) == 0


def test_voices_come_go_and_are_missed_at_any_hop(denoiser):
    chance = random.Random(4)
    runner, jobs = seated(denoiser)
    gone = []
    own_hops = 0
    for number in range(200):
        for at, job in enumerate(jobs):
            if len(job.fed) > 20 and chance.random() < 0.02:
                gone.append(job)
                runner.clear(at)
                jobs[at] = job = Job(denoiser, Seat(runner, at))
            if chance.random() < 0.95:
                job.feed(noise(200, at)[number])
        rows = np.array([row for row in runner.waiting() if chance.random() < 0.9], np.intp)
        if len(rows):
            runner.step(rows)
        own_hops = sum(job.stream.own_hops for job in [*jobs, *gone])
    everybody = [job for job in [*jobs, *gone] if len(job.fed) > 5]
    assert len(gone) > 5
    assert 0.05 < own_hops / sum(len(job.fed) for job in everybody) < 0.5
    assert max(job.difference for job in everybody) <= ROUNDING


def test_a_process_killed_at_any_instant_leaves_a_state_to_go_on_from(denoiser):
    chance = random.Random(2)
    runner, [job] = seated(denoiser, 1)
    killed_in_a_hop = 0
    for hop in speech(60):
        process = os.fork()
        if process == 0:
            while True:
                step_all(runner)
        job.feed(hop)
        time.sleep(chance.uniform(0, 0.004))  # the instant is the point; a hop takes 0.5 to 2 ms
        killed_in_a_hop += not job.answered
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        job.feed(hop[::-1].copy())
        step_all(runner)
    assert 0 < killed_in_a_hop < 60
    assert job.difference <= ROUNDING


def test_strength_follows_in_the_process_and_out_of_it(denoiser):
    """The process gets the strength with a hop, the job's own engine has it at once: one hop earlier in the sound."""
    sound = noise(160)
    runner, [job] = seated(denoiser, 1, strength_db=12)
    plain = denoiser.stream(strength_db=12)
    expected = []
    for number, hop in enumerate(sound):
        if number == 50:
            job.stream.strength_db = plain.strength_db = 100
        if number == 100:
            plain.strength_db = 6
        expected.append(plain.feed(hop))
        if number == 101:
            job.stream.strength_db = 6  # works on hop 100 already
        job.feed(hop)
        if number < 90:
            step_all(runner)
    heard, expected = np.concatenate(job.heard), np.concatenate(expected)
    assert np.abs(heard - expected[: len(heard)]).max() <= ROUNDING
    assert job.stream.own_hops > 50
    assert job.stream.strength_db == 6


def test_a_voice_that_begins_at_a_strength_is_never_heard_at_another(denoiser):
    runner, [job] = seated(denoiser, 1, strength_db=0)
    for hop in noise(20):
        job.feed(hop)
        step_all(runner)
    assert np.abs(np.concatenate(job.heard) - np.concatenate(job.fed)[: -4 * HOP]).max() <= ROUNDING


def test_local_snr_comes_through(denoiser):
    runner, [job] = seated(denoiser, 1)
    plain = denoiser.stream()
    read, expected = [], []
    for hop in speech(150):
        job.feed(hop)
        step_all(runner)
        read.append(job.stream.lsnr)
        plain.feed(hop)
        expected.append(plain.lsnr)
    assert read[1:] == pytest.approx(expected[:-1], abs=0.01)
    assert max(read) > 10


def test_a_bad_frame_harms_nothing(denoiser):
    runner, [job, other] = seated(denoiser, 2)
    for number, hop in enumerate(noise(60)):
        job.stream.feed(np.full(HOP, np.nan, np.float32) if number == 30 else hop)
        other.feed(hop)
        step_all(runner)
    assert other.difference <= ROUNDING
    assert np.isfinite(job.stream.feed(noise(1)[0])).all()


def test_a_slot_keeps_nothing_of_who_had_it_before(denoiser):
    runner, [job] = seated(denoiser, 1)
    for hop in noise(10):
        job.feed(hop)
        step_all(runner)
    runner.clear(0)
    memory = os.pread(runner.slots.memory, runner.slots.record.itemsize, 0)
    assert memory == bytes(len(memory))


@pytest.mark.parametrize("shape", [(0,), (HOP - 1,), (HOP + 1,), (1, HOP)])
def test_only_whole_hops_are_taken(denoiser, shape):
    _, [job] = seated(denoiser, 1)
    with pytest.raises(ValueError, match="shape"):
        job.stream.feed(np.zeros(shape, np.float32))


@pytest.mark.parametrize("strength_db", [float("nan"), -1.0])
def test_strengths_that_are_none_are_refused(denoiser, strength_db):
    _, [job] = seated(denoiser, 1)
    with pytest.raises(ValueError, match="strength_db"):
        job.stream.strength_db = strength_db
    assert job.stream.strength_db == 100


def test_late_again_and_again_the_job_asks_less_often_and_forgets_it_later(denoiser):
    runner, [job] = seated(denoiser, 1)
    sound = noise(2000)
    for hop in sound[:500]:
        job.feed(hop)
        if not job.stream.shared:  # the process answers only when the job has given up
            step_all(runner)
    assert runner.slots.missed[0] < 20
    for hop in sound[500:]:
        job.feed(hop)
        step_all(runner)
    assert job.stream.shared
    missed = runner.slots.missed[0]
    job.feed(sound[0])
    job.feed(sound[1])  # not answered in between
    step_all(runner)
    job.feed(sound[2])
    assert runner.slots.missed[0] == missed + 1
    assert job.stream.shared


def test_hops_that_come_sooner_than_the_process_can_answer_are_no_reason_to_leave_it(denoiser):
    runner, [job] = seated(denoiser, 1, every_ns=2_000_000)
    for number, hop in enumerate(noise(300)):
        job.feed(hop)
        if number % 10:  # every tenth result is not there in time
            step_all(runner)
    assert job.stream.own_hops < 70
    assert job.difference <= ROUNDING


# --- time -----------------------------------------------------------------------------------------------------------------


class Played:
    """The timetable over arrivals that are known beforehand, on a clock that is only counted."""

    def __init__(self, arrivals, *, batch_s=0.0005, voice_s=0.0001, wake_s=0.0001, stalled_s=0.0, seed=0):
        """`arrivals` [voices, hops] in s, inf: never. A batch takes `batch_s` + `voice_s` for each voice, every 50th of the first
        200 `stalled_s` more; sleep ends late."""
        rng = np.random.default_rng(seed)
        scheduler = BatchScheduler(len(arrivals))
        for voice in range(len(arrivals)):
            scheduler.join(voice)
        hops = arrivals.shape[1]
        self.batches = 0
        self.answered = np.zeros(arrivals.shape, bool)
        now, end = 0.0, np.max(arrivals[np.isfinite(arrivals)])
        newest = np.zeros(len(arrivals), int)  # first hop that is neither answered nor missed
        while now < end:
            here = (arrivals <= now).sum(axis=1)
            waiting = np.flatnonzero(here > newest)
            newest[waiting] = here[waiting] - 1  # the job made those between by itself
            scheduler.waiting(waiting, arrivals[waiting, newest[waiting]], now)
            if scheduler.due(waiting, now):
                stalled = 0 < self.batches <= 200 and self.batches % 50 == 0
                began, now = now, now + batch_s + voice_s * len(waiting) + stalled_s * stalled
                following = np.append(arrivals, np.full((len(arrivals), 1), np.inf), axis=1)[waiting, newest[waiting] + 1]
                self.answered[waiting, newest[waiting]] = following > now
                newest[waiting] += 1
                self.batches += 1
                scheduler.done(waiting, began, now)
            now = max(now, scheduler.next(now)) + rng.exponential(wake_s)
        self.batches_per_hop = self.batches / hops
        self.missed = 1 - self.answered[:, 5:-2].mean(axis=1)


def arrivals(beats, hops=1000, jitter_s=0.0003, seed=1):
    late = np.random.default_rng(seed).exponential(jitter_s, (len(beats), hops))
    return np.array(beats)[:, None] + np.arange(hops) * HOP_S + late


@pytest.mark.parametrize("voices", [1, 2, 4, 8, 16, 20])
def test_beats_of_any_kind_take_little_more_than_a_batch_for_a_hop(voices):
    beats = np.random.default_rng(voices).uniform(0, HOP_S, voices)
    played = Played(arrivals(beats))
    assert played.batches_per_hop < 1.5
    assert played.missed.mean() < 0.004


def test_beats_with_a_gap_take_one_batch_for_a_hop():
    played = Played(arrivals(np.linspace(0.003, 0.008, 10)))
    assert played.batches_per_hop == pytest.approx(1, abs=0.01)
    assert played.missed.mean() < 0.001


def test_beats_that_leave_no_gap_take_two_batches_at_most():
    played = Played(arrivals(np.arange(20) * HOP_S / 20), batch_s=0.002, voice_s=0.0001)
    assert played.batches_per_hop < 2.1
    assert played.missed.mean() < 0.005


def test_a_sound_clock_that_runs_fast_or_slow_is_followed():
    beat = np.array([[1.0005], [0.9995]]) * np.arange(2000) * HOP_S
    assert Played(beat).missed.max() < 0.005


def test_a_voice_that_stalls_never_delays_the_others():
    steady = arrivals(np.linspace(0, 0.009, 6))
    stalled = steady.copy()
    stalled[2, 500:] = np.inf
    stalled[4, 300:800:7] += 0.008
    others = [0, 1, 3, 5]
    stalled[4] = np.maximum.accumulate(stalled[4])
    assert Played(stalled).missed[others].max() <= Played(steady).missed[others].max() + 0.005


def test_a_wake_up_that_is_often_late_makes_batches_earlier_not_results_later():
    assert Played(arrivals(np.linspace(0, 0.009, 6)), wake_s=0.0008).missed.mean() < 0.02


def test_batches_that_were_kept_from_the_processor_are_forgotten():
    stalled = Played(arrivals(np.linspace(0, 0.009, 6)), stalled_s=0.040)
    assert stalled.batches_per_hop < 1.3
    assert stalled.answered[:, 300:-2].mean() > 0.995


def test_a_voice_that_starts_again_on_another_beat_is_followed():
    moved = arrivals([0.001, 0.002])
    moved[1, 500:] += 0.0137
    assert Played(moved).missed[1] < 0.005


def test_with_nobody_waiting_it_looks_again_within_a_hop():
    scheduler = BatchScheduler(3)
    scheduler.join(1)
    nobody = np.zeros(0, np.intp)
    scheduler.waiting(nobody, np.zeros(0), 5.0)
    assert not scheduler.due(nobody, 5.0)
    assert 5.0 < scheduler.next(5.0) < 5.0 + HOP_S / 2
