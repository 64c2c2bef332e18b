"""Takes part in a stream as real clients of the audio server: broadcaster, noise remover and listener."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from livekit import api, rtc
from werkzeug.test import TestResponse

from contract import messages, recording
from tests.integration.streams.livekit_process import API_KEY, API_SECRET
from tests.webapp.conftest import Person

FRAME = 480  # samples: 10 ms


async def until(condition: Callable[[], Any], within_s: float = 15.0, what: str = "") -> float:
    """Waits for the condition and returns the seconds it took. Asks in a thread, because the condition may use the database.

    The default time is generous, for busy machines; where the time matters, the test gives one.
    """
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        took = time.monotonic() - began
        assert took < within_s, f"not within {within_s} s: {what or condition}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def get(person: Person, path: str) -> TestResponse:
    """Runs in a thread, like the two below, because a view runs its own event loop."""
    return await asyncio.to_thread(person.get, path)


async def post(person: Person, path: str, body: Mapping[str, Any] | None = None) -> TestResponse:
    return await asyncio.to_thread(person.post, path, body)


async def delete(person: Person, path: str) -> TestResponse:
    return await asyncio.to_thread(person.delete, path)


class Client:
    """Takes part in one room."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self._connecting: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, url: str, token: str) -> Self:
        # A connect that is cancelled half-way makes the SDK (1.1.21) send its own process a SIGTERM a minute later.
        self._connecting = asyncio.ensure_future(self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=True)))
        await asyncio.shield(self._connecting)
        return self

    async def publish_tone(self) -> None:
        source = rtc.AudioSource(recording.SAMPLE_RATE, 1, queue_size_ms=0)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await self.room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("voice", source), options)
        self._tasks.append(asyncio.create_task(_play_tone(source)))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        if self._connecting is not None:
            await asyncio.wait([self._connecting])
        await self.room.disconnect()


async def _play_tone(source: rtc.AudioSource) -> None:
    tone = (8000 * np.sin(2 * np.pi * 500 * np.arange(FRAME) / recording.SAMPLE_RATE)).astype(np.int16).tobytes()
    while True:
        await source.capture_frame(rtc.AudioFrame(tone, recording.SAMPLE_RATE, 1, FRAME))
        await asyncio.sleep(0.01)


class Listener(Client):
    """Counts the tracks it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard_at = 0.0  # time.monotonic() of the newest frame that was not silent, of the newest track
        self.tracks = 0
        self.room.on("track_subscribed", self._hear)

    def _hear(self, track: rtc.Track, *_: object) -> None:
        self.tracks += 1
        # At once: the track may be gone when a task has its turn.
        stream = rtc.AudioStream(track, sample_rate=recording.SAMPLE_RATE, num_channels=1)
        self._tasks.append(asyncio.create_task(self._listen(stream, self.tracks)))

    async def _listen(self, stream: rtc.AudioStream, number: int) -> None:
        try:
            async for event in stream:
                if number == self.tracks and np.abs(np.frombuffer(event.frame.data, np.int16)).max() > 500:
                    self.heard_at = time.monotonic()
        finally:
            await stream.aclose()

    def hears(self) -> bool:
        return time.monotonic() - self.heard_at < 0.2


class NoiseRemover:
    """Does what the web app sees of a noise remover: a heartbeat in the studio, and a track on the stage that is named there."""

    def __init__(self, url: str, studio: str) -> None:
        self._url = url
        self._studio_name = studio
        self.studio = Client()
        self.stage = Client()
        self.stage_name = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()

    async def come(self, *, with_track: bool = True) -> Self:
        self.studio.room.on("room_metadata_changed", lambda *_: self._moved.set())
        await self.studio.connect(self._url, agent_token(self._studio_name, kind="agent"))
        self._tasks = [asyncio.create_task(self._beat())]
        if with_track:
            self._moved.set()
            self._tasks.append(asyncio.create_task(self._follow_stage()))
        return self

    async def freeze(self) -> None:
        """Plays dead without the audio server's notice: it stays in both rooms."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def leave(self) -> None:
        await self.freeze()
        await self.stage.leave()
        await self.studio.leave()

    async def _beat(self) -> None:
        beat = 0
        while True:
            beat += 1
            await self.studio.room.local_participant.set_attributes({messages.ATTRIBUTE_BEAT: str(beat)})
            await asyncio.sleep(1)

    async def _follow_stage(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            wanted = messages.StudioMetadata.from_json(self.studio.room.metadata).stage
            if wanted != self.stage_name:
                left, self.stage = self.stage, Client()
                await self.stage.connect(self._url, agent_token(wanted, kind="standard"))
                await self.stage.publish_tone()
                self.stage_name = wanted
                await left.leave()


def agent_token(room: str, *, kind: api.AccessToken.ParticipantKind) -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    return api.AccessToken(API_KEY, API_SECRET).with_identity(messages.AGENT_NAME).with_kind(kind).with_grants(grants).to_jwt()
