"""Broadcasters who click and listeners who notice: how long the sound of a stream is on its way."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc

from contract.recording import SAMPLE_RATE
from tests.integration.live.people import Broadcast, Listener, Speaker, tokens

FRAME = SAMPLE_RATE // 100
FRAME_S = 0.01
CLICK_FRAMES = 50  # a click every half second
CLICK_LEVEL = 20_000
HEARD_LEVEL = 8_000


class ClickingSpeaker(Speaker):
    """Sends a quiet noise with clicks in it, and remembers when."""

    def __init__(self) -> None:
        super().__init__()
        self.clicked_at: list[float] = []

    async def click(self) -> None:
        source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=True)
        await self.room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("microphone", source), options)
        self.tasks.add(asyncio.create_task(self._send(source)))

    async def _send(self, source: rtc.AudioSource) -> None:
        noise = (np.random.default_rng(0).standard_normal((100, FRAME)) * 300).astype(np.int16)
        click = (np.sin(2 * np.pi * 1_000 * np.arange(FRAME) / SAMPLE_RATE) * CLICK_LEVEL).astype(np.int16)
        frames = [rtc.AudioFrame(bytearray(sound.tobytes()), SAMPLE_RATE, 1, FRAME) for sound in (*noise, click)]
        began, number = time.monotonic(), 0
        while True:
            clicks = number % CLICK_FRAMES == 0
            if clicks:
                self.clicked_at.append(time.monotonic())
            await source.capture_frame(frames[-1] if clicks else frames[number % len(noise)])
            number += 1
            await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))


class ClickedListener(Listener):
    """Notes when it hears a click, and keeps nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.heard_at: list[float] = []
        self.track: Any = None

    def _subscribed(self, track: Any, _publication: Any, _participant: Any) -> None:
        self.track = track
        self.tasks.add(asyncio.create_task(self._notice(track)))

    async def _notice(self, track: Any) -> None:
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                now = time.monotonic()
                if samples.max() > HEARD_LEVEL and (not self.heard_at or now - self.heard_at[-1] > 0.1):
                    at = int(np.argmax(samples > HEARD_LEVEL))
                    self.heard_at.append(now - (len(samples) - at) / SAMPLE_RATE)
        finally:
            await stream.aclose()

    async def made_up_samples(self) -> int:
        """Samples that the listener's end had to invent so far, because none were there."""
        for stat in await self.track.get_stats() if self.track else []:
            if stat.WhichOneof("stats") == "inbound_rtp":
                return int(stat.inbound_rtp.inbound.concealed_samples)
        return 0


@dataclass
class Heard:
    """One stream over one measurement."""

    delays_ms: list[float]
    lost_clicks: int
    made_up_ms: float
    cleaned: bool


class Pair:
    """The broadcaster and a listener of one stream."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast
        self.speaker = ClickingSpeaker()
        self.listener = ClickedListener()
        self._made_up = 0
        self._from = 0.0

    async def begin(self) -> None:
        await self.broadcast.open(live=True, strength_db=0.0)
        await self.speaker.join(self.broadcast.url, tokens.studio(self.broadcast.studio))
        await self.speaker.click()
        await self.listener.join(self.broadcast.url, tokens.stage(self.broadcast.metadata.stage, "bob"))

    async def measure_from_now(self) -> None:
        self._from = time.monotonic()
        self._made_up = await self.listener.made_up_samples()

    async def heard(self) -> Heard:
        made_up = await self.listener.made_up_samples() - self._made_up
        until = time.monotonic() - 1.5  # what is on its way now is not lost
        clicks = [at for at in self.speaker.clicked_at if self._from < at < until]
        delays = [_first_after(at, self.listener.heard_at) for at in clicks]
        return Heard(
            delays_ms=[delay * 1e3 for delay in delays if delay is not None],
            lost_clicks=sum(delay is None for delay in delays),
            made_up_ms=made_up / SAMPLE_RATE * 1e3,
            cleaned=self.speaker.agent().get("state") == "cleaning",
        )

    async def end(self) -> None:
        await self.speaker.leave()
        await self.listener.leave()


def _first_after(at: float, times: list[float]) -> float | None:
    """Seconds to the first of `times` after `at`, None when that is nearly the next click already."""
    return next((time - at for time in times if 0 < time - at < 0.9 * CLICK_FRAMES * FRAME_S), None)
