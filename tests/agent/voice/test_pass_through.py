"""Music is passed on as it is; the level is seen, and nothing is removed."""

import numpy as np
import pytest

from agent.live.rtc_frames import silent_frame
from agent.voice.frames import FRAME
from agent.voice.pass_through import PassThrough


def test_both_channels_come_out_at_once_and_unchanged():
    music = PassThrough()
    sound = np.random.default_rng(1).integers(-32768, 32767, (FRAME, 2), np.int16, endpoint=True)
    out = silent_frame(2)
    original = music.process(sound, out)
    assert np.array_equal(out, sound)
    assert np.array_equal(original, sound)
    assert (music.latency_samples, music.paused, music.silenced) == (0, None, False)


def test_the_meter_reads_the_level_of_both_and_no_noise():
    music = PassThrough()
    music.process(np.full((FRAME, 2), 3277, np.int16), silent_frame(2))
    assert music.level.read() == pytest.approx(-20, abs=0.1)
    assert music.noise.read() == 0.0
