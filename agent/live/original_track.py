"""The original sound, delayed like the clean voice: a second track in the studio while the broadcaster compares."""

from __future__ import annotations

import asyncio

from livekit import rtc

from agent.live.frame_sender import FrameSender
from agent.live.stage import publish_options
from agent.voice.frames import Int16
from contract.messages import Quality

TRACK_NAME = "original"


class OriginalTrack:
    """Publishes the track and withdraws it, as the broadcaster switches. Belongs to the event loop, but for `send`."""

    def __init__(self, studio: rtc.Room, quality: Quality) -> None:
        self._studio = studio
        self._quality = quality
        self._sender: FrameSender | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._lock = asyncio.Lock()

    async def switch(self, on: bool) -> None:
        """Raises PublishTrackError, UnpublishTrackError or TimeoutError."""
        async with self._lock, asyncio.timeout(10):
            if on and self._sender is None:
                await self._publish()
            elif not on and self._sender is not None:
                await self._withdraw(self._sender)

    async def _publish(self) -> None:
        sender = FrameSender(self._quality.channels)
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, sender.source)
        options = publish_options(rtc.TrackSource.SOURCE_UNKNOWN, self._quality)
        self._publication = await self._studio.local_participant.publish_track(track, options)
        self._sender = sender

    async def _withdraw(self, sender: FrameSender) -> None:
        self._sender = None
        if self._publication is not None:
            await self._studio.local_participant.unpublish_track(self._publication.sid)
        await sender.aclose()

    def send(self, original: Int16) -> None:
        """Sends one frame while the track is published. Called on the desk's thread."""
        sender = self._sender
        if sender is not None:
            sender.send(original)
