"""Takes the frames of a track on the SDK's own thread, without `rtc.AudioStream`: no event loop, task or queue for each frame."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2

from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.live.sdk_events import router
from agent.voice.frames import FRAME, Int16
from contract.recording import SAMPLE_RATE


class TrackFrames:
    """Delivers every frame of one track from now on, until `close`. Never ends by itself: a stream whose track has died just
    stops delivering."""

    def __init__(self, track: rtc.RemoteAudioTrack, channels: int, take: Callable[[Int16], None]) -> None:
        """`take` is called on the SDK's thread with a frame, [480] or [480, 2], whose memory is the SDK's: copy it."""
        self._take = take
        self._shape = (FRAME,) if channels == 1 else (FRAME, channels)
        self._memory = ctypes.c_int16 * (FRAME * channels)
        request = ffi_pb2.FfiRequest()
        wanted = request.new_audio_stream
        wanted.track_handle = track._ffi_handle.handle
        wanted.sample_rate = SAMPLE_RATE
        wanted.num_channels = channels
        wanted.type = audio_frame_pb2.AudioStreamType.AUDIO_STREAM_NATIVE
        wanted.queue_size_frames = MAX_QUEUED_FRAMES
        answer = FfiClient.instance.request(request)
        self._stream = FfiHandle(answer.new_audio_stream.stream.handle.id)
        router().frame_takers[self._stream.handle] = self._event

    def _event(self, event: Any) -> None:
        if not event.HasField("frame_received"):
            return
        frame = event.frame_received.frame
        try:
            if frame.info.samples_per_channel == FRAME:
                memory = memoryview(self._memory.from_address(frame.info.data_ptr))
                self._take(np.frombuffer(memory, np.int16).reshape(self._shape))
        finally:
            FfiClient.instance._ffi_lib.livekit_ffi_drop_handle(frame.handle.id)

    def close(self) -> None:
        """Delivers nothing any more, but for a frame that is being delivered now."""
        router().frame_takers.pop(self._stream.handle, None)
        self._stream.dispose()
