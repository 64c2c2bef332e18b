"""Meters, against sounds whose levels are known."""

import numpy as np
import pytest

from agent.voice import meters
from agent.voice.frames import FRAME
from agent.voice.meters import NOISE_FRAMES, levels_db, powers


def noise(level_db, seed=1):
    frames = np.random.default_rng(seed).standard_normal((NOISE_FRAMES, FRAME)).astype(np.float32)
    return frames * np.float32(10 ** (level_db / 20))


def removed_db(original, clean, frames=NOISE_FRAMES):
    return meters.removed_db(original[None], clean[None], np.array([frames]))[0]


@pytest.mark.parametrize("level", [-6.0, -23.0, -60.0])
def test_level_is_the_level(level):
    assert levels_db(powers(noise(level)).mean()[None])[0] == pytest.approx(level, abs=0.3)


def test_level_without_sound_is_the_floor():
    assert levels_db(np.zeros(1))[0] == -100


@pytest.mark.parametrize("removed", [0.0, 6.0, 12.0, 24.0, 40.0])
def test_what_was_removed_from_a_noise(removed):
    before = powers(noise(-40))
    assert removed_db(before, before * 10 ** (-removed / 10)) == pytest.approx(removed, abs=0.01)


def test_the_pauses_count_and_not_the_speech():
    """Speech goes through whole; the noise between the words is 18 dB lower."""
    speech = noise(-15, seed=2) * (np.arange(NOISE_FRAMES) % 100 < 60)[:, None]
    hiss = noise(-45)
    assert removed_db(powers(hiss + speech), powers(hiss * 10 ** (-18 / 20) + speech)) == pytest.approx(18, abs=1)


def test_nothing_is_claimed_in_a_silent_room_or_too_early():
    assert removed_db(powers(noise(-90)), np.zeros(NOISE_FRAMES)) == 0
    assert removed_db(powers(noise(-40)), np.zeros(NOISE_FRAMES), 10) == 0


def test_it_stays_finite_when_nothing_is_left():
    assert removed_db(powers(noise(-40)), np.zeros(NOISE_FRAMES)) == pytest.approx(50, abs=0.5)


def test_a_louder_result_is_no_loss():
    before = powers(noise(-40))
    assert removed_db(before, 2 * before) == 0


def test_each_voice_has_its_own_reading():
    before = powers(noise(-40))
    both = meters.removed_db(np.stack([before, before]), np.stack([before / 10, before / 100]), np.array([300, 5000]))
    assert both.tolist() == pytest.approx([10, 20], abs=0.01)
