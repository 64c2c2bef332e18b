"""Runs a broadcast without the web app: rooms, dispatch and participants, as real clients of the audio server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from livekit import api, rtc

from agent.live.stage import publish_options
from agent.live.stereo_workaround import StereoRelay
from contract.messages import (
    AGENT_NAME,
    BROADCASTER,
    METER_TOPIC,
    QUALITIES,
    USUAL_QUALITY,
    BroadcastJob,
    StudioMetadata,
    stage_room,
    studio_room,
)
from contract.recording import SAMPLE_RATE
from tests.integration.live.sounds import Sound
from tests.integration.streams.livekit_process import API_KEY, API_SECRET
from webapp.audio_server.room_tokens import TokenMint

FRAME = 480
OWNER = "alice"
tokens = TokenMint(API_KEY, API_SECRET)


async def until(condition: Callable[[], Any], within_s: float, what: str = "") -> float:
    """Waits for the condition and returns the seconds it took."""
    began = time.monotonic()
    while not condition():
        took = time.monotonic() - began
        assert took < within_s, f"not within {within_s} s: {what or condition}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def _studio_token(room: str, identity: str) -> str:
    """Make a token for the studio: the web app makes none for anybody but the broadcaster."""
    if identity == BROADCASTER:
        return tokens.studio(room)
    grants = api.VideoGrants(room_join=True, room=room)
    return api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(grants).to_jwt()


class Client:
    """Takes part in one room."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.tasks: set[asyncio.Task[None]] = set()

    async def join(self, url: str, token: str) -> Self:
        await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=True))
        return self

    def agent(self) -> dict[str, str]:
        """Returns the noise remover's attributes in this room, or {} while it is not there."""
        agent = self.room.remote_participants.get(AGENT_NAME)
        return dict(agent.attributes) if agent else {}

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        await self.room.disconnect()


class Heard:
    """Keeps the frames of one track, and when each arrived."""

    def __init__(self, name: str, track: rtc.Track) -> None:
        self.name = name
        self.track = track
        self.frames: list[Sound] = []
        self.times: list[float] = []

    @property
    def sound(self) -> Sound:
        return np.concatenate(self.frames) if self.frames else np.zeros(0, np.int16)

    def since(self, at: float) -> Sound:
        """Returns what arrived after this time.monotonic()."""
        frames = [frame for frame, time in zip(self.frames, self.times, strict=True) if time > at]
        return np.concatenate(frames) if frames else np.zeros(0, np.int16)

    def loud_at(self) -> float:
        """Returns when the newest frame with sound arrived, or 0.0 if none has."""
        found = (at for frame, at in zip(reversed(self.frames), reversed(self.times), strict=True) if np.abs(frame).max() > 300)
        return next(found, 0.0)

    def loud_from(self) -> float:
        """Returns when the first frame with sound arrived, or infinity if none has."""
        found = (at for frame, at in zip(self.frames, self.times, strict=True) if np.abs(frame).max() > 300)
        return next(found, float("inf"))


class Listener(Client):
    """Keeps everything it hears, track by track. The samples of two channels are interleaved."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.tracks: list[Heard] = []
        self.room.on("track_subscribed", self._subscribed)

    def _subscribed(self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        heard = Heard(publication.name, track)
        self.tracks.append(heard)
        # At once: the track may be gone when a task has its turn.
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=self.channels)
        task = asyncio.create_task(self._listen(stream, heard))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _listen(self, stream: rtc.AudioStream, heard: Heard) -> None:
        try:
            async for event in stream:
                heard.frames.append(np.frombuffer(event.frame.data, np.int16))
                heard.times.append(time.monotonic())
        finally:
            await stream.aclose()

    @property
    def newest(self) -> Heard:
        return self.tracks[-1]

    def loud_since(self, at: float) -> bool:
        return any(heard.loud_at() > at for heard in self.tracks)


class Speaker(Listener):
    """Plays a sound over and over as the broadcaster's microphone, and calls the noise remover."""

    def __init__(self) -> None:
        super().__init__()
        self.meter: list[dict[str, float]] = []
        self.room.on("data_received", self._data)

    def _data(self, packet: rtc.DataPacket) -> None:
        if packet.topic == METER_TOPIC:
            self.meter.append(json.loads(packet.data))

    async def speak(self, sound: Sound, quality: str = USUAL_QUALITY) -> None:
        """Publishes a microphone and plays until the end. `sound` is [n], or with two channels [n, 2]."""
        source = rtc.AudioSource(SAMPLE_RATE, QUALITIES[quality].channels, queue_size_ms=200)
        options = publish_options(rtc.TrackSource.SOURCE_MICROPHONE, QUALITIES[quality])
        await self.room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("microphone", source), options)
        task = asyncio.create_task(self._play(source, sound))
        self.tasks.add(task)

    async def _play(self, source: rtc.AudioSource, sound: Sound) -> None:
        while True:
            for at in range(0, len(sound) - FRAME + 1, FRAME):
                samples = sound[at : at + FRAME].tobytes()
                await source.capture_frame(rtc.AudioFrame(samples, SAMPLE_RATE, source.num_channels, FRAME))

    async def call(self, method: str, **request: Any) -> Any:
        answer = await self.room.local_participant.perform_rpc(
            destination_identity=AGENT_NAME,
            method=method,
            payload=json.dumps(request),
            response_timeout=5,
        )
        return json.loads(answer)


class Broadcast:
    """Does for one stream what the web app does."""

    def __init__(self, url: str, livekit: api.LiveKitAPI, stack: contextlib.AsyncExitStack) -> None:
        self.url = url
        self.livekit = livekit
        self._stack = stack
        self.id = secrets.token_hex(16)
        self.key = secrets.token_hex(16)
        self.studio = studio_room(self.key, 1)
        self.metadata = StudioMetadata(stage=stage_room(self.key, 1), live=True, title="Morning show")
        self.strength_db = 100.0
        self.quality = USUAL_QUALITY

    async def open(self, *, live: bool = True, strength_db: float = 100.0, quality: str = USUAL_QUALITY) -> Self:
        """Makes the rooms and asks for the noise remover."""
        self.strength_db, self.quality = strength_db, quality
        self.metadata = StudioMetadata(self.metadata.stage, live, self.metadata.title)
        await self.make_rooms()
        await self.dispatch()
        return self

    async def make_rooms(self) -> None:
        for name, metadata in ((self.studio, self.metadata.to_json()), (self.metadata.stage, "")):
            await self.livekit.room.create_room(
                api.CreateRoomRequest(name=name, metadata=metadata, empty_timeout=300, departure_timeout=60),
            )

    async def dispatch(self) -> None:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        job = BroadcastJob(self.id, OWNER, self.metadata.title, started_at, self.strength_db, self.quality)
        await self.livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=self.studio, metadata=job.to_json()),
        )

    async def change(self, **metadata: Any) -> None:
        """Writes the studio's metadata, after making the new stage if there is one."""
        before = self.metadata
        self.metadata = replace(before, **metadata)
        if self.metadata.stage != before.stage:
            await self.livekit.room.create_room(api.CreateRoomRequest(name=self.metadata.stage, departure_timeout=60))
        request = api.UpdateRoomMetadataRequest(room=self.studio, metadata=self.metadata.to_json())
        await self.livekit.room.update_room_metadata(request)

    async def move_studio(self) -> None:
        """Does what webapp.streams.shut_out does when a log-in of the broadcaster has ended."""
        left, self.studio = self.studio, studio_room(self.key, 2)
        await self.livekit.room.remove_participant(api.RoomParticipantIdentity(room=left, identity=AGENT_NAME))
        await self.livekit.room.delete_room(api.DeleteRoomRequest(room=left))
        await self.make_rooms()
        await self.dispatch()

    async def published(self, room: str = "") -> list[tuple[str, str]]:
        """Returns (identity, track name) of everything that is published on the stage or in another room.

        It asks the server, because the Python SDK loses sight of a participant who was replaced by another of the same name.
        """
        answer = await self.livekit.room.list_participants(api.ListParticipantsRequest(room=room or self.metadata.stage))
        return sorted((person.identity, track.name) for person in answer.participants for track in person.tracks)

    async def end(self) -> None:
        for name in (self.studio, self.metadata.stage):
            with contextlib.suppress(api.TwirpError):
                await self.livekit.room.delete_room(api.DeleteRoomRequest(room=name))

    async def published_becomes(self, wanted: list[tuple[str, str]], room: str = "", within_s: float = 5) -> None:
        deadline = time.monotonic() + within_s
        while (found := await self.published(room)) != wanted:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    async def speaker(self, sound: Sound | None = None, identity: str = BROADCASTER) -> Speaker:
        url = await self._stereo_url() if QUALITIES[self.quality].channels == 2 else self.url
        speaker = Speaker()
        self._stack.push_async_callback(speaker.leave)
        await speaker.join(url, _studio_token(self.studio, identity))
        if sound is not None:
            await speaker.speak(sound, self.quality)
        return speaker

    async def _stereo_url(self) -> str:
        relay = StereoRelay(self.url)
        self._stack.push_async_callback(relay.aclose)
        return await relay.open()

    async def listener(self, channels: int = 1) -> Listener:
        listener = Listener(channels)
        self._stack.push_async_callback(listener.leave)
        return await listener.join(self.url, tokens.stage(self.metadata.stage, "bob"))


@contextlib.asynccontextmanager
async def broadcasts(url: str) -> AsyncIterator[Callable[[], Broadcast]]:
    """Yields a function that makes broadcasts, and ends them all afterwards."""
    async with api.LiveKitAPI(url, API_KEY, API_SECRET) as livekit, contextlib.AsyncExitStack() as stack:

        def make() -> Broadcast:
            broadcast = Broadcast(url, livekit, stack)
            stack.push_async_callback(broadcast.end)
            return broadcast

        yield make
