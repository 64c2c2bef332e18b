"""The original, delayed like the clean voice, as a second track in the studio while the broadcaster compares."""

from __future__ import annotations

import asyncio

from livekit import rtc

from agent.live.audio_source import Outlet
from agent.live.stage import publish_options
from agent.voice.frames import Int16
from contract.messages import Quality

ORIGINAL_TRACK = "original"


class Monitor:
    def __init__(self, studio: rtc.Room, quality: Quality) -> None:
        self._studio = studio
        self._quality = quality
        self._outlet: Outlet | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._lock = asyncio.Lock()

    async def switch(self, on: bool) -> None:
        async with self._lock, asyncio.timeout(10):
            if on and self._outlet is None:
                await self._publish()
            elif not on and self._outlet is not None:
                await self._withdraw(self._outlet)

    async def _publish(self) -> None:
        outlet = Outlet(self._quality.channels)
        track = rtc.LocalAudioTrack.create_audio_track(ORIGINAL_TRACK, outlet.source)
        options = publish_options(rtc.TrackSource.SOURCE_UNKNOWN, self._quality)
        self._publication = await self._studio.local_participant.publish_track(track, options)
        self._outlet = outlet

    async def _withdraw(self, outlet: Outlet) -> None:
        self._outlet = None
        if self._publication is not None:
            await self._studio.local_participant.unpublish_track(self._publication.sid)
        await outlet.aclose()

    async def send(self, original: Int16) -> None:
        if self._outlet is not None:
            await self._outlet.send(original)
