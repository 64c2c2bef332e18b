"""Music is passed on as it is; the level is seen, and nothing is removed."""

import numpy as np
import pytest

from agent.voice.frames import FRAME
from agent.voice.pass_through import PassThrough

ROW = np.zeros(1, np.intp)


def test_both_channels_come_out_at_once_and_unchanged():
    music = PassThrough()
    music.join(strength_db=100)
    sound = np.random.default_rng(1).integers(-32768, 32767, (1, FRAME, 2), np.int16, endpoint=True)
    heard, original = music.process(ROW, sound)
    assert np.array_equal(heard, sound)
    assert np.array_equal(original, sound)
    assert (music.latency_samples, music.paused(0), music.silenced(0)) == (0, None, False)


def test_the_meter_reads_the_level_of_both_and_no_noise():
    music = PassThrough()
    music.join(strength_db=100)
    music.process(ROW, np.full((1, FRAME, 2), 3277, np.int16))
    levels, removed = music.read_meters(ROW)
    assert levels[0] == pytest.approx(-20, abs=0.1)
    assert removed[0] == 0.0
