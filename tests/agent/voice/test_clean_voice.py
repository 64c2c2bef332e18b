"""The voice and its ways out, with the real denoiser and with small ones whose sound is known."""

import numpy as np
import pytest

from agent.denoise import Denoiser
from agent.voice.clean_voice import CHOSEN, FAILURE, MAX_REST_FRAMES, MIN_REST_FRAMES, OVERLOAD, WARM_UP_FRAMES, CleanVoice
from agent.voice.frames import FRAME

HOPS = 3


class Halving:
    """The interface of Denoiser and DenoiserStream: halves the sound, as late as the real one, and fails when told to."""

    latency_samples = (HOPS + 1) * FRAME

    def __init__(self):
        self.strength_db = 100.0
        self.streams = 0
        self.broken = False
        self.begin_broken = False
        self.result = None

    def stream(self, *, strength_db):
        if self.begin_broken:
            raise MemoryError("no room for another stream")
        self.strength_db = strength_db
        self.streams += 1
        self._held = [np.zeros(0, np.float32)] * HOPS
        return self

    def feed(self, samples):
        if self.broken:
            raise RuntimeError("the engine failed")
        self._held.append(samples * np.float32(0.5))
        ready = self._held.pop(0)
        return ready if self.result is None else np.full(FRAME, self.result, np.float32)


def sine(frames, start=0):
    at = np.arange(start * FRAME, (start + frames) * FRAME)
    return (10_000 * np.sin(2 * np.pi * 200 * at / 48_000)).astype(np.int16).reshape(frames, FRAME)


def played(voice, frames):
    """-> (what is heard, the originals), both [samples]."""
    heard = np.zeros(frames.shape, np.int16)
    originals = [voice.process(frame, out) for frame, out in zip(frames, heard, strict=True)]
    return heard.ravel(), np.concatenate(originals)


def largest_step(samples):
    return int(np.abs(np.diff(samples.astype(np.int32))).max())


SMOOTH = 300  # the sine itself moves by 262 a sample at most; a jump from clean to original would be up to 5000


def test_original_and_clean_belong_to_the_same_moment():
    heard, originals = played(CleanVoice(Halving(), strength_db=100), sine(50))
    assert np.array_equal(originals[HOPS * FRAME :], sine(50).ravel()[: -HOPS * FRAME])
    assert np.abs(heard * 2 - originals.astype(np.int32)).max() <= 1


def test_real_denoiser_at_strength_0_is_the_original():
    heard, originals = played(CleanVoice(Denoiser.load(), strength_db=0), sine(100))
    assert np.abs(heard.astype(np.int32) - originals).max() <= 1


def test_real_denoiser_lowers_a_noise_and_the_meter_says_how_much():
    frames = (np.random.default_rng(1).standard_normal((500, FRAME)) * 600).astype(np.int16)
    voice = CleanVoice(Denoiser.load(), strength_db=12)
    heard, originals = played(voice, frames)
    second = slice(-100 * FRAME, None)
    removed = 20 * np.log10(np.std(originals[second]) / np.std(heard[second]))
    assert removed == pytest.approx(12, abs=0.5)
    assert voice.noise.read() == pytest.approx(removed, abs=0.5)


def test_strength_reaches_the_stream_now_and_later():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=30)
    assert denoiser.strength_db == voice.strength_db == 30
    voice.strength_db = 12
    assert denoiser.strength_db == voice.strength_db == 12


def test_bypass_fades_to_the_bit_exact_original_and_back():
    voice = CleanVoice(Halving(), strength_db=100)
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


def failed(denoiser):
    denoiser.broken = True


def not_a_number(denoiser):
    denoiser.result = np.nan


def infinite(denoiser):
    denoiser.result = np.inf


@pytest.mark.parametrize("fault", [failed, not_a_number, infinite])
def test_when_the_model_fails_the_original_is_heard_without_a_click_and_it_is_tried_again(fault):
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100)
    first, _ = played(voice, sine(50))
    fault(denoiser)
    there, originals = played(voice, sine(MIN_REST_FRAMES - 1, 50))
    assert voice.paused == FAILURE
    assert np.array_equal(there[2 * FRAME :], originals[2 * FRAME :])
    assert denoiser.streams == 1
    denoiser.broken, denoiser.result = False, None
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 50 + MIN_REST_FRAMES - 1))
    assert denoiser.streams == 2
    assert voice.paused is None
    assert np.abs(back[-FRAME:] * 2 - originals[-FRAME:].astype(np.int32)).max() <= 1
    assert largest_step(np.concatenate([first, there, back])) < SMOOTH


def test_a_new_stream_is_not_heard_before_it_is_warm():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100)
    denoiser.broken = True
    played(voice, sine(MIN_REST_FRAMES))
    denoiser.broken = False
    heard, originals = played(voice, sine(WARM_UP_FRAMES, MIN_REST_FRAMES))
    assert np.array_equal(heard, originals)
    assert voice.paused == FAILURE


def test_a_model_that_keeps_failing_is_tried_less_and_less_often():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100)
    denoiser.broken = True
    tries = []
    for number in range(20_000):
        before = denoiser.streams
        played(voice, sine(1, number % 240))
        if denoiser.streams > before:
            tries.append(number)
    rests = np.diff(tries).tolist()
    assert rests[:5] == [200, 400, 800, 1600, 3000]
    assert set(rests[5:]) == {MAX_REST_FRAMES}


def test_a_stream_that_cannot_begin_is_a_failure_too():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100)
    denoiser.broken = denoiser.begin_broken = True
    heard, originals = played(voice, sine(400))
    assert voice.paused == FAILURE
    assert np.array_equal(heard[2 * FRAME :], originals[2 * FRAME :])


def test_overload_stops_the_work_and_comes_back_warm():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100)
    first, _ = played(voice, sine(50))
    voice.overloaded = True
    there, originals = played(voice, sine(50, 50))
    assert voice.paused == OVERLOAD
    assert np.array_equal(there[2 * FRAME :], originals[2 * FRAME :])
    denoiser.broken = True  # nobody asks it any more
    played(voice, sine(10, 100))
    assert voice.paused == OVERLOAD
    denoiser.broken = False
    voice.overloaded = False
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 110))
    assert denoiser.streams == 2
    assert voice.paused is None
    assert largest_step(np.concatenate([first, there])) < SMOOTH
    assert largest_step(back) < SMOOTH


def test_trouble_is_named_before_choice():
    voice = CleanVoice(Halving(), strength_db=100)
    voice.bypass = True
    voice.overloaded = True
    played(voice, sine(5))
    assert voice.paused == OVERLOAD


def test_level_is_that_of_the_microphone():
    voice = CleanVoice(Halving(), strength_db=100)
    played(voice, sine(10))
    assert voice.level.read() == pytest.approx(20 * np.log10(10_000 / 32_768 / np.sqrt(2)), abs=0.1)


# --- never the original


def test_silence_instead_of_the_original_while_it_fails_without_a_click_and_without_a_sample_of_it():
    denoiser = Halving()
    voice = CleanVoice(denoiser, strength_db=100, never_original=True)
    first, _ = played(voice, sine(50))
    denoiser.broken = True
    there, _ = played(voice, sine(MIN_REST_FRAMES - 1, 50))
    assert voice.silenced
    assert voice.paused == f"{FAILURE}, silence instead"
    assert not there[2 * FRAME :].any()
    denoiser.broken = False
    back, originals = played(voice, sine(WARM_UP_FRAMES + 10, 50 + MIN_REST_FRAMES - 1))
    assert not voice.silenced
    assert not back[: WARM_UP_FRAMES * FRAME].any()
    assert np.abs(back[-FRAME:] * 2 - originals[-FRAME:].astype(np.int32)).max() <= 1
    assert largest_step(np.concatenate([first, there, back])) < SMOOTH


def test_silence_instead_of_the_original_while_it_is_overloaded():
    denoiser = Halving()
    denoiser.result = 0.0  # so that all that is heard is what must not be
    voice = CleanVoice(denoiser, strength_db=100, never_original=True)
    played(voice, sine(50))
    voice.overloaded = True
    heard, _ = played(voice, sine(50, 50))
    voice.overloaded = False
    again, _ = played(voice, sine(WARM_UP_FRAMES + 20, 100))
    assert not heard.any()
    assert not again.any()


def test_who_chooses_the_original_hears_it_even_so_and_comes_and_goes_without_a_click():
    voice = CleanVoice(Halving(), strength_db=100, never_original=True)
    first, _ = played(voice, sine(50))
    voice.bypass = True
    chosen, originals = played(voice, sine(50, 50))
    assert voice.paused == CHOSEN
    assert not voice.silenced
    assert np.array_equal(chosen[2 * FRAME :], originals[2 * FRAME :])
    voice.bypass = False
    back, _ = played(voice, sine(50, 100))
    assert largest_step(np.concatenate([first, chosen, back])) < 2 * SMOOTH
