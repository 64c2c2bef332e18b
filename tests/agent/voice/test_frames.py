"""Conversion and fades."""

import numpy as np

from agent.voice.frames import FRAME, Fade, to_float, to_int16


def test_every_int16_survives_the_way_to_float_and_back():
    every = np.arange(-32768, 32768, dtype=np.int16)
    floats = to_float(every)
    assert floats.dtype == np.float32
    assert floats.min() == -1.0
    assert floats.max() < 1.0
    assert np.array_equal(to_int16(floats), every)


def test_too_loud_is_clipped_and_does_not_wrap():
    assert to_int16(np.array([1.0, 2.0, -1.0, -2.0], np.float32)).tolist() == [32767, 32767, -32768, -32768]


def test_each_weight_goes_straight_to_its_own_target_and_rests_there():
    fade = Fade(0.020)
    weights, targets = np.array([0, 1, 0.5], np.float32), np.array([1, 0, 0.5], np.float32)
    of_samples = np.concatenate([fade.next(weights, targets), fade.next(weights, targets)], axis=1)
    assert np.allclose(np.diff(of_samples), np.array([[1], [-1], [0]]) / (2 * FRAME), atol=1e-6)
    assert weights.tolist() == [1, 0, 0.5]
    assert (fade.next(weights, targets) == targets[:, None]).all()


def test_it_turns_around_without_a_jump():
    fade = Fade(0.020)
    weights = np.ones(1, np.float32)
    down = fade.next(weights, np.zeros(1, np.float32))
    up = fade.next(weights, np.ones(1, np.float32))
    assert abs(up[0, 0] - down[0, -1]) < 1.01 / (2 * FRAME)
    assert weights[0] == 1.0
