"""Sends the frames of one track without being woken for each.

`rtc.AudioSource.capture_frame` returns when the SDK has confirmed the frame: a wake-up of the event loop, a queue, two
subscriptions and a timer, 100 times a second. A source without a queue confirms within microseconds, so nobody need wait: the
SDK's thread notes the confirmation, and only a frame that comes before it is held up (two at once could overtake each other).
"""

from __future__ import annotations

import asyncio
from typing import Any

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto import ffi_pb2

from agent.live.rtc_frames import OutgoingFrame
from agent.voice.frames import Int16
from contract.recording import SAMPLE_RATE

_CONFIRM_TIMEOUT_S = 1.0


class FrameSender:
    """Feeds one track at 48 kHz in frames of 10 ms. Belongs to the event loop that it was made on."""

    def __init__(self, channels: int = 1) -> None:
        self.source = rtc.AudioSource(SAMPLE_RATE, channels, queue_size_ms=0)
        handle = self.source._ffi_handle.handle
        # The SDK reads the memory of a frame until it has confirmed it, and no other frame is sent before.
        self._outgoing = OutgoingFrame(channels)
        self._request = ffi_pb2.FfiRequest()
        self._request.capture_audio_frame.source_handle = handle
        self._request.capture_audio_frame.buffer.CopyFrom(self._outgoing.frame._proto_info())
        self._number = handle << 32  # of the newest frame: no other source of this process counts there
        self._confirmed = self._number  # written by the SDK's thread
        self._waiting: asyncio.Event | None = None
        self._loop = asyncio.get_running_loop()
        self._events = FfiClient.instance.queue.subscribe(self._loop, filter_fn=self._note)

    def _note(self, event: Any) -> bool:
        """Called on the SDK's thread for each of its events. Lets none through to the loop, so that it is not woken."""
        if event.WhichOneof("message") == "capture_audio_frame" and event.capture_audio_frame.async_id == self._number:
            self._confirmed = self._number
            if self._waiting is not None:
                self._loop.call_soon_threadsafe(self._waiting.set)
        return False

    async def send(self, samples: Int16) -> None:
        """Sends a copy of one frame; after `aclose` it goes nowhere. Raises TimeoutError when the SDK does not answer."""
        if self.source._ffi_handle.disposed:
            return
        if self._confirmed != self._number:
            await self._confirmation()
        self._outgoing.samples[:] = samples
        self._number += 1
        self._request.capture_audio_frame.request_async_id = self._number
        FfiClient.instance.request(self._request)

    async def _confirmation(self) -> None:
        self._waiting = asyncio.Event()
        try:
            async with asyncio.timeout(_CONFIRM_TIMEOUT_S):
                while self._confirmed != self._number:  # it may have come before there was something to set
                    await self._waiting.wait()
                    self._waiting.clear()
        finally:
            self._waiting = None

    async def aclose(self) -> None:
        FfiClient.instance.queue.unsubscribe(self._events)
        await self.source.aclose()
