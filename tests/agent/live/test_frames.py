"""Conversion, delay line and fades."""

import numpy as np
import pytest
from livekit import rtc

from agent.live.rtc_frames import OutgoingFrame, samples_of, silent_frame
from agent.voice.frames import FRAME, DelayLine, Ramp, to_float, to_int16


def test_received_samples_share_the_frames_memory():
    frame = rtc.AudioFrame(bytearray(np.arange(FRAME, dtype=np.int16).tobytes()), 48_000, 1, FRAME)
    samples = samples_of(frame)
    assert np.array_equal(samples, np.arange(FRAME))
    frame.data[0] = 99
    assert samples[0] == 99


def test_what_is_filled_in_is_what_is_sent():
    outgoing = OutgoingFrame()
    outgoing.samples[:] = np.arange(FRAME)
    assert np.array_equal(np.frombuffer(outgoing.frame.data, np.int16), np.arange(FRAME))
    assert (outgoing.frame.sample_rate, outgoing.frame.num_channels, outgoing.frame.samples_per_channel) == (48_000, 1, FRAME)


def test_two_channels_are_two_columns():
    interleaved = np.arange(2 * FRAME, dtype=np.int16)
    received = samples_of(rtc.AudioFrame(bytearray(interleaved.tobytes()), 48_000, 2, FRAME))
    assert received.shape == silent_frame(2).shape == (FRAME, 2)
    outgoing = OutgoingFrame(2)
    outgoing.samples[:] = received
    assert np.array_equal(np.frombuffer(outgoing.frame.data, np.int16), interleaved)
    assert (outgoing.frame.num_channels, outgoing.frame.samples_per_channel) == (2, FRAME)


def test_every_int16_survives_the_way_to_float_and_back():
    every = np.arange(-32768, 32768, dtype=np.int16)
    floats = to_float(every, np.empty(len(every), np.float32))
    assert floats.min() == -1.0
    assert floats.max() < 1.0
    back = np.empty_like(every)
    to_int16(floats, back)
    assert np.array_equal(back, every)


def test_too_loud_is_clipped_and_does_not_wrap():
    out = np.empty(4, np.int16)
    to_int16(np.array([1.0, 2.0, -1.0, -2.0], np.float32), out)
    assert out.tolist() == [32767, 32767, -32768, -32768]


@pytest.mark.parametrize("delay", [0, 1, FRAME - 1, FRAME, 3 * FRAME, 3 * FRAME + 7])
def test_delay_line_gives_everything_back_later(delay):
    sound = np.arange(1, 10 * FRAME + 1, dtype=np.int16)
    line = DelayLine(delay)
    heard = np.concatenate([line.shift(sound[at : at + FRAME]) for at in range(0, len(sound), FRAME)])
    assert not heard[:delay].any()
    assert np.array_equal(heard[delay:], sound[: len(sound) - delay])


def test_ramp_goes_straight_to_its_target_and_rests_there():
    ramp = Ramp(0.020, at=0.0)
    ramp.target = 1.0
    weights = np.concatenate([ramp.next(), ramp.next()])
    assert np.allclose(np.diff(weights), 1 / (2 * FRAME), atol=1e-6)
    assert ramp.value == 1.0
    assert ramp.is_resting
    assert (ramp.next() == 1.0).all()


def test_ramp_turns_around_without_a_jump():
    ramp = Ramp(0.020, at=1.0)
    ramp.target = 0.0
    down = ramp.next()
    ramp.target = 1.0
    up = ramp.next()
    assert abs(up[0] - down[-1]) < 1.01 / (2 * FRAME)
    assert ramp.value == 1.0
