"""Lateness, with a clock made of numbers."""

from agent.desk.lateness import MAX_QUEUED_FRAMES, Cooldown, FrameClock

FRAME_S = 0.010


def served(clock, frames, *, work_s, start=0.0, ready=0):
    """Serves `frames` frames that arrive every 10 ms; each takes `work_s`. -> (time, worst lateness the clock saw)."""
    now, worst, done = start, 0.0, start
    for number in range(ready, ready + frames):
        now = max(done, number * FRAME_S)
        worst = max(worst, clock.taken(now, now - done))
        done = now + work_s
    return done, worst


def test_work_that_is_fast_enough_is_never_late():
    clock = FrameClock()
    _, worst = served(clock, 1_000, work_s=0.002)
    assert worst < 0.001
    assert clock.lost == 0


def test_a_stall_is_seen_and_caught_up():
    clock = FrameClock()
    done, _ = served(clock, 100, work_s=0.001)
    late = clock.taken(done + 0.080, 0.080)  # the process slept while eight frames came in
    assert 0.06 < late < 0.08
    for step in range(1, 9):
        late = clock.taken(done + 0.080 + step * 0.001, 0.0)
    assert late == 0.0
    assert clock.lost == 0


def test_work_that_is_too_slow_falls_behind_up_to_the_queue_and_counts_what_is_lost():
    clock = FrameClock()
    _, worst = served(clock, 300, work_s=0.012)
    assert abs(worst - MAX_QUEUED_FRAMES * FRAME_S) < 1e-9
    assert 40 <= clock.lost <= 52  # 300 frames 2 ms too slow are 60 frames, less the 10 that may wait


def test_a_sound_clock_that_is_slow_is_no_lateness():
    clock = FrameClock()
    for number in range(100_000):
        clock.taken(number * FRAME_S * 1.001, 0.0049)
    assert clock.behind_s < 0.001


def test_cooldown_lets_through_once():
    cooldown = Cooldown(30)
    assert [cooldown.ready(at) for at in (0, 1, 29.9, 30, 31, 60)] == [True, False, False, True, False, True]
