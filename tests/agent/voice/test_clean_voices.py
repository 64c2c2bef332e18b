"""Voices and their ways out, with the real denoiser and with small ones whose sound is known."""

import numpy as np
import pytest

from agent.denoise import Denoiser
from agent.voice.clean_voices import CHOSEN, FAILURE, MAX_REST_FRAMES, MIN_REST_FRAMES, OVERLOAD, WARM_UP_FRAMES, CleanVoices
from agent.voice.frames import FRAME

HOPS = 3
ROW = np.zeros(1, np.intp)


class Halving:
    """The interface of Engine: halves the sound, as late as the real one, and fails when told to."""

    delay_hops = HOPS

    def __init__(self):
        self.strengths_db = []
        self.streams = 0
        self.broken = False
        self.begin_broken = False
        self.result = None
        self._held = []

    def join(self):
        self.strengths_db.append(None)
        self._held.append(None)
        self.reset(len(self._held) - 1)
        return len(self._held) - 1

    def leave(self, row):
        self.strengths_db.pop(row)
        self._held.pop(row)

    def reset(self, row):
        if self.begin_broken:
            raise MemoryError("no room for another stream")
        self.streams += 1
        self._held[row] = [np.ones(FRAME, np.float32)] * HOPS  # of nobody: must never be heard

    def set_strength(self, row, strength_db, *, at_once=False):
        self.strengths_db[row] = strength_db

    def step(self, hops):
        return self.step_some(np.arange(len(self._held)), hops)

    def step_some(self, rows, hops):
        if self.broken:
            raise RuntimeError("the engine failed")
        results = np.empty_like(hops)
        for at, row in enumerate(rows):
            self._held[row].append(hops[at] * np.float32(0.5))
            results[at] = self._held[row].pop(0)
            if self.result is not None:
                results[at] = self.result
        return results


class Voice:
    """The only voice, or one of several: row 0."""

    def __init__(self, engine, *, strength_db=100.0, never_original=False):
        self.all = CleanVoices(engine)
        self.all.join(strength_db=strength_db, never_original=never_original)

    bypass = property(fset=lambda self, on: self.all.set_bypass(0, on))
    overloaded = property(fset=lambda self, on: self.all.set_overloaded(0, on))
    paused = property(lambda self: self.all.paused(0))
    silenced = property(lambda self: self.all.silenced(0))


def sine(frames, start=0):
    at = np.arange(start * FRAME, (start + frames) * FRAME)
    return (10_000 * np.sin(2 * np.pi * 200 * at / 48_000)).astype(np.int16).reshape(frames, FRAME)


def played(voice, frames):
    """-> (what is heard, the originals), both [samples]."""
    pairs = [voice.all.process(ROW, frame[None]) for frame in frames]
    return np.concatenate([heard[0] for heard, _ in pairs]), np.concatenate([original[0] for _, original in pairs])


def largest_step(samples):
    return int(np.abs(np.diff(samples.astype(np.int32))).max())


SMOOTH = 300  # the sine itself moves by 262 a sample at most; a jump from clean to original would be up to 5000


def test_original_and_clean_belong_to_the_same_moment():
    heard, originals = played(Voice(Halving()), sine(50))
    assert np.array_equal(originals[HOPS * FRAME :], sine(50).ravel()[: -HOPS * FRAME])
    assert np.abs(heard * 2 - originals.astype(np.int32)).max() <= 1


def test_real_denoiser_at_strength_0_is_the_original():
    heard, originals = played(Voice(Denoiser.load().engine(), strength_db=0), sine(100))
    assert np.abs(heard.astype(np.int32) - originals).max() <= 1


def test_real_denoiser_lowers_a_noise_and_the_meter_says_how_much():
    frames = (np.random.default_rng(1).standard_normal((500, FRAME)) * 600).astype(np.int16)
    voice = Voice(Denoiser.load().engine(), strength_db=12)
    heard, originals = played(voice, frames)
    second = slice(-100 * FRAME, None)
    removed = 20 * np.log10(np.std(originals[second]) / np.std(heard[second]))
    assert removed == pytest.approx(12, abs=0.5)
    assert voice.all.read_meters(ROW)[1][0] == pytest.approx(removed, abs=0.5)


def test_strength_reaches_the_engine_now_and_later_and_after_a_failure():
    engine = Halving()
    voice = Voice(engine, strength_db=30)
    assert engine.strengths_db == [30]
    voice.all.set_strength(0, 12)
    assert engine.strengths_db == [12]
    engine.strengths_db = [None]
    engine.broken = True
    played(voice, sine(1))
    engine.broken = False
    played(voice, sine(MIN_REST_FRAMES))
    assert engine.strengths_db == [12]


def test_bypass_fades_to_the_bit_exact_original_and_back():
    voice = Voice(Halving())
    first, _ = played(voice, sine(50))
    voice.bypass = True
    assert voice.paused == CHOSEN
    there, originals = played(voice, sine(50, 50))
    assert np.array_equal(there[2 * FRAME :], originals[2 * FRAME :])
    voice.bypass = False
    back, originals = played(voice, sine(50, 100))
    assert voice.paused is None
    assert np.abs(back[2 * FRAME :] * 2 - originals[2 * FRAME :].astype(np.int32)).max() <= 1
    assert largest_step(np.concatenate([first, there, back])) < SMOOTH


def failed(engine):
    engine.broken = True


def not_a_number(engine):
    engine.result = np.nan


def infinite(engine):
    engine.result = np.inf


@pytest.mark.parametrize("fault", [failed, not_a_number, infinite])
def test_when_the_model_fails_the_original_is_heard_without_a_click_and_it_is_tried_again(fault):
    engine = Halving()
    voice = Voice(engine)
    first, _ = played(voice, sine(50))
    fault(engine)
    there, originals = played(voice, sine(MIN_REST_FRAMES - 1, 50))
    assert voice.paused == FAILURE
    assert np.array_equal(there[2 * FRAME :], originals[2 * FRAME :])
    assert engine.streams == 1
    engine.broken, engine.result = False, None
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 50 + MIN_REST_FRAMES - 1))
    assert engine.streams == 2
    assert voice.paused is None
    assert np.abs(back[-FRAME:] * 2 - originals[-FRAME:].astype(np.int32)).max() <= 1
    assert largest_step(np.concatenate([first, there, back])) < SMOOTH


def test_a_new_stream_is_not_heard_before_it_is_warm():
    engine = Halving()
    voice = Voice(engine)
    engine.broken = True
    played(voice, sine(MIN_REST_FRAMES))
    engine.broken = False
    heard, originals = played(voice, sine(WARM_UP_FRAMES, MIN_REST_FRAMES))
    assert np.array_equal(heard, originals)
    assert voice.paused == FAILURE


def test_a_model_that_keeps_failing_is_tried_less_and_less_often():
    engine = Halving()
    voice = Voice(engine)
    engine.broken = True
    tries = []
    for number in range(20_000):
        before = engine.streams
        played(voice, sine(1, number % 240))
        if engine.streams > before:
            tries.append(number)
    rests = np.diff(tries).tolist()
    assert rests[:5] == [200, 400, 800, 1600, 3000]
    assert set(rests[5:]) == {MAX_REST_FRAMES}


def test_a_stream_that_cannot_begin_is_a_failure_too():
    engine = Halving()
    voice = Voice(engine)
    engine.broken = engine.begin_broken = True
    heard, originals = played(voice, sine(400))
    assert voice.paused == FAILURE
    assert np.array_equal(heard[2 * FRAME :], originals[2 * FRAME :])


def test_overload_stops_the_work_and_comes_back_warm():
    engine = Halving()
    voice = Voice(engine)
    first, _ = played(voice, sine(50))
    voice.overloaded = True
    there, originals = played(voice, sine(50, 50))
    assert voice.paused == OVERLOAD
    assert np.array_equal(there[2 * FRAME :], originals[2 * FRAME :])
    engine.broken = True  # nobody asks it any more
    played(voice, sine(10, 100))
    assert voice.paused == OVERLOAD
    engine.broken = False
    voice.overloaded = False
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 110))
    assert engine.streams == 2
    assert voice.paused is None
    assert largest_step(np.concatenate([first, there])) < SMOOTH
    assert largest_step(back) < SMOOTH


def test_trouble_is_named_before_choice():
    voice = Voice(Halving())
    voice.bypass = True
    voice.overloaded = True
    played(voice, sine(5))
    assert voice.paused == OVERLOAD


def test_level_is_that_of_the_microphone():
    voice = Voice(Halving())
    played(voice, sine(10))
    assert voice.all.read_meters(ROW)[0][0] == pytest.approx(20 * np.log10(10_000 / 32_768 / np.sqrt(2)), abs=0.1)


# --- never the original


def test_silence_instead_of_the_original_while_it_fails_without_a_click_and_without_a_sample_of_it():
    engine = Halving()
    voice = Voice(engine, never_original=True)
    first, _ = played(voice, sine(50))
    engine.broken = True
    there, _ = played(voice, sine(MIN_REST_FRAMES - 1, 50))
    assert voice.silenced
    assert voice.paused == f"{FAILURE}, silence instead"
    assert not there[2 * FRAME :].any()
    engine.broken = False
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 50 + MIN_REST_FRAMES - 1))
    assert not voice.silenced
    assert not back[: WARM_UP_FRAMES * FRAME].any()
    assert np.abs(back[-FRAME:] * 2 - originals[-FRAME:].astype(np.int32)).max() <= 1
    assert largest_step(np.concatenate([first, there, back])) < SMOOTH


def test_silence_instead_of_the_original_while_it_is_overloaded():
    engine = Halving()
    engine.result = 0.0  # so that all that is heard is what must not be
    voice = Voice(engine, never_original=True)
    played(voice, sine(50))
    voice.overloaded = True
    heard, _ = played(voice, sine(50, 50))
    voice.overloaded = False
    again, _ = played(voice, sine(WARM_UP_FRAMES + 20, 100))
    assert not heard.any()
    assert not again.any()


def test_who_chooses_the_original_hears_it_even_so_and_comes_and_goes_without_a_click():
    voice = Voice(Halving(), never_original=True)
    first, _ = played(voice, sine(50))
    voice.bypass = True
    chosen, originals = played(voice, sine(50, 50))
    assert voice.paused == CHOSEN
    assert not voice.silenced
    assert np.array_equal(chosen[2 * FRAME :], originals[2 * FRAME :])
    voice.bypass = False
    back, _ = played(voice, sine(50, 100))
    assert largest_step(np.concatenate([first, chosen, back])) < 2 * SMOOTH


# --- several


def test_one_that_fails_harms_no_other():
    engine = Halving()
    voice = Voice(engine)
    other = voice.all.join(strength_db=100)
    rows = np.arange(2)
    step_some = engine.step_some

    def first_is_no_sound(rows, hops):
        results = step_some(rows, hops)
        results[rows == 0] = np.nan
        return results

    alone, _ = played(Voice(Halving()), sine(60))
    engine.step_some = first_is_no_sound
    heard = np.stack([voice.all.process(rows, np.stack([frame, frame]))[0] for frame in sine(60)])
    assert voice.paused == FAILURE
    assert voice.all.paused(other) is None
    assert np.array_equal(heard[:, 1].ravel(), alone)


def test_who_stays_is_not_moved_by_who_leaves():
    voices = CleanVoices(Halving())
    for strength_db in (10, 20, 30):
        voices.join(strength_db=strength_db)
    voices.set_bypass(2, True)
    voices.leave(1)
    assert voices.paused(0) is None
    assert voices.paused(1) == CHOSEN
    assert len(voices) == 2


def test_silent_frames_are_counted_for_each():
    voices = CleanVoices(Halving())
    voices.join(strength_db=100)
    voices.join(strength_db=100)
    rows = np.arange(2)
    for frame in sine(5):
        voices.process(rows, np.stack([np.zeros_like(frame), frame]))
    assert voices.silent_frames(rows).tolist() == [5, 0]
    voices.process(rows[:1], sine(1))
    assert voices.silent_frames(rows).tolist() == [0, 0]
