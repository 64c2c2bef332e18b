"""Meters, against sounds whose levels are known."""

import numpy as np
import pytest

from agent.voice.frames import FRAME
from agent.voice.meters import LevelMeter, NoiseMeter, power


def noise(frames, level_db, seed=1):
    return np.random.default_rng(seed).standard_normal((frames, FRAME)).astype(np.float32) * np.float32(10 ** (level_db / 20))


@pytest.mark.parametrize("level_db", [-6.0, -23.0, -60.0])
def test_level_meter_reads_the_level(level_db):
    meter = LevelMeter()
    for frame in noise(10, level_db):
        meter.add(power(frame))
    assert meter.read() == pytest.approx(level_db, abs=0.3)


def test_level_meter_forgets_what_was_read():
    meter = LevelMeter()
    for frame in noise(10, -6):
        meter.add(power(frame))
    meter.read()
    meter.add(0.0)
    assert meter.read() == -100


def test_level_meter_without_sound_reads_its_floor():
    assert LevelMeter().read() == -100


@pytest.mark.parametrize("removed_db", [0.0, 6.0, 12.0, 24.0, 40.0])
def test_noise_meter_reads_what_was_removed_from_a_noise(removed_db):
    meter = NoiseMeter()
    for frame in noise(300, -40):
        meter.add(power(frame), power(frame) * 10 ** (-removed_db / 10))
    assert meter.read() == pytest.approx(removed_db, abs=0.01)


def test_noise_meter_looks_at_the_pauses_and_not_at_the_speech():
    """Speech goes through whole; the noise between the words is 18 dB lower."""
    meter = NoiseMeter()
    speech = noise(300, -15, seed=2)
    for number, frame in enumerate(noise(300, -45)):
        talking = number % 100 < 60
        clean = frame * 10 ** (-18 / 20) + (speech[number] if talking else 0)
        meter.add(power(frame + (speech[number] if talking else 0)), power(clean))
    assert meter.read() == pytest.approx(18, abs=1)


def test_noise_meter_follows_within_three_seconds():
    meter = NoiseMeter()
    for frame in noise(300, -40):
        meter.add(power(frame), power(frame) / 100)
    for frame in noise(300, -40):
        meter.add(power(frame), power(frame))
    assert meter.read() == pytest.approx(0, abs=0.01)


def test_noise_meter_claims_nothing_in_a_silent_room():
    meter = NoiseMeter()
    for frame in noise(300, -90):
        meter.add(power(frame), 0.0)
    assert meter.read() == 0


def test_noise_meter_stays_finite_when_nothing_is_left():
    meter = NoiseMeter()
    for frame in noise(300, -40):
        meter.add(power(frame), 0.0)
    assert meter.read() == pytest.approx(50, abs=0.5)


def test_noise_meter_makes_no_loss_of_a_louder_result():
    meter = NoiseMeter()
    for frame in noise(300, -40):
        meter.add(power(frame), 2 * power(frame))
    assert meter.read() == 0
