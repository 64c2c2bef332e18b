"""Sends the frames of one track without an event loop.

`rtc.AudioSource.capture_frame` returns when the SDK has confirmed the frame: a wake-up of the event loop, a queue, two
subscriptions and a timer, 100 times a second. A source without a queue confirms within microseconds, so nobody waits here: a
frame that comes before the confirmation of the last one is sent by it (two at once could overtake each other).
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto import ffi_pb2

from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.live.rtc_frames import OutgoingFrame
from agent.live.sdk_events import router
from agent.voice.frames import Int16
from contract.recording import SAMPLE_RATE


class FrameSender:
    """Feeds one track at 48 kHz in frames of 10 ms. `send` may be called on any one thread."""

    def __init__(self, channels: int = 1) -> None:
        self.source = rtc.AudioSource(SAMPLE_RATE, channels, queue_size_ms=0)
        handle = self.source._ffi_handle.handle
        # The SDK reads the memory of a frame until it has confirmed it, and no other frame is sent before.
        self._outgoing = OutgoingFrame(channels)
        self._number = handle << 32  # of every request: no other source of this process uses it
        self._request = _request(handle, self._outgoing, self._number)
        self._answer = ctypes.POINTER(ctypes.c_ubyte)()
        self._answer_length = ctypes.c_size_t()
        self._lock = threading.Lock()
        self._waiting: deque[Int16] = deque(maxlen=MAX_QUEUED_FRAMES)
        self._is_busy = False  # a frame is not confirmed yet
        self._is_closed = False
        router().confirmations[self._number] = self._confirmed

    def send(self, samples: Int16) -> None:
        """Sends a copy of one frame and returns at once; after `aclose` it goes nowhere. When ten wait for the SDK, the oldest is
        given up."""
        with self._lock:
            if self._is_closed:
                return
            if self._is_busy:
                self._waiting.append(samples.copy())
                return
            self._is_busy = True
        self._submit(samples)

    def _confirmed(self) -> None:
        """Called on the SDK's thread."""
        with self._lock:
            if not self._waiting or self._is_closed:
                self._is_busy = False
                if self._is_closed:
                    router().confirmations.pop(self._number, None)
                return
            samples = self._waiting.popleft()
        self._submit(samples)

    def _submit(self, samples: Int16) -> None:
        self._outgoing.samples[:] = samples
        library = FfiClient.instance._ffi_lib
        # Always the same message, so that none is written and the answer, which is always the same, not read.
        answered = library.livekit_ffi_request(
            self._request, len(self._request), ctypes.byref(self._answer), ctypes.byref(self._answer_length)
        )
        if answered:
            library.livekit_ffi_drop_handle(answered)
        else:  # it will not be confirmed: the source is gone
            self._is_busy = False

    async def aclose(self) -> None:
        with self._lock:
            self._is_closed = True
            if not self._is_busy:  # else the SDK still reads the memory, which the registration holds
                router().confirmations.pop(self._number, None)
        await self.source.aclose()


def _request(handle: int, outgoing: OutgoingFrame, number: int) -> ctypes.Array[ctypes.c_ubyte]:
    request = ffi_pb2.FfiRequest()
    request.capture_audio_frame.source_handle = handle
    request.capture_audio_frame.buffer.CopyFrom(outgoing.frame._proto_info())
    request.capture_audio_frame.request_async_id = number
    return (ctypes.c_ubyte * request.ByteSize()).from_buffer_copy(request.SerializeToString())
