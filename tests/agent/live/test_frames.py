"""The SDK's frames as arrays, and back."""

import numpy as np
from livekit import rtc

from agent.live.rtc_frames import OutgoingFrame, samples_of
from agent.voice.frames import FRAME


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
    assert received.shape == (FRAME, 2)
    outgoing = OutgoingFrame(2)
    outgoing.samples[:] = received
    assert np.array_equal(np.frombuffer(outgoing.frame.data, np.int16), interleaved)
    assert (outgoing.frame.num_channels, outgoing.frame.samples_per_channel) == (2, FRAME)
