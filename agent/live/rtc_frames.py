"""Turns frames of LiveKit's SDK into arrays of samples, and back."""

from __future__ import annotations

import numpy as np
from livekit import rtc

from agent.voice.frames import FRAME, Int16
from contract.recording import SAMPLE_RATE


def samples_of(frame: rtc.AudioFrame) -> Int16:
    """Returns the samples of a received frame, without a copy."""
    return _shaped(np.frombuffer(frame.data, dtype=np.int16), frame.num_channels)


def _shaped(interleaved: Int16, channels: int) -> Int16:
    return interleaved if channels == 1 else interleaved.reshape(-1, channels)


class OutgoingFrame:
    """Holds a frame to be sent: `samples` to fill in, and the SDK's frame over the same memory."""

    __slots__ = ("frame", "samples")

    def __init__(self, channels: int = 1) -> None:
        # The SDK copies every buffer but a bytearray.
        memory = bytearray(FRAME * 2 * channels)
        self.samples = _shaped(np.frombuffer(memory, dtype=np.int16), channels)
        self.frame = rtc.AudioFrame(memory, SAMPLE_RATE, channels, FRAME)
