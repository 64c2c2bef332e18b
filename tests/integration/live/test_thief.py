"""Plays a listener who wants the raw microphone, with a custom WebRTC client, a friend's token and the WHIP end point.

That end point of livekit-server subscribes its caller to the tracks that a header names, past the subscription permissions of
whoever publishes them. So the raw voice and the listeners are in two rooms, and the signed token names the room.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time

import aiohttp
import aioice.ice
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from contract.messages import AGENT_NAME, BROADCASTER, RPC_SET_BYPASS, RPC_SET_MONITOR, StudioMetadata
from tests.integration.live.people import tokens, until
from tests.integration.live.sounds import level_db, noise

LOUD_DB, QUIET_DB = -30, -50  # the raw microphone is a noise of -20 dB; clean it is all but gone


@pytest.fixture(autouse=True)
def over_loopback(monkeypatch):
    """Offers the loopback address, where the audio server of the tests is; aiortc offers all others."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


class Thief:
    """POSTs an offer to WHIP and keeps what comes."""

    def __init__(self) -> None:
        self.status = 0
        self.heard: list[list[tuple[float, np.ndarray]]] = []
        self._connection = RTCPeerConnection()
        self._tasks: list[asyncio.Task[None]] = []
        self._connection.on("track", self._track)

    def _track(self, track) -> None:
        frames: list[tuple[float, np.ndarray]] = []
        self.heard.append(frames)
        self._tasks.append(asyncio.create_task(self._listen(track, frames)))

    async def _listen(self, track, frames) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                frames.append((time.monotonic(), frame.to_ndarray().reshape(-1)))

    async def break_in(self, url: str, token: str, wishes: dict[str, list[str]], path: str = "/whip/v1") -> None:
        for _ in range(3):
            self._connection.addTransceiver("audio", direction="recvonly")
        await self._connection.setLocalDescription(await self._connection.createOffer())
        headers = {
            "Content-Type": "application/sdp",
            "Authorization": f"Bearer {token}",
            "X-LiveKit-ClientInfo": json.dumps({"subscribedParticipantTrackNames": wishes}),
        }
        address, offer = url.replace("ws:", "http:") + path, self._connection.localDescription.sdp
        async with aiohttp.ClientSession() as session, session.post(address, data=offer, headers=headers) as answer:
            self.status = answer.status
            if answer.status == 201:
                await self._connection.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))

    def level(self, seconds: float = 1.0) -> float:
        """Returns the level of the loudest track."""
        since = time.monotonic() - seconds
        tracks = [np.concatenate([sound for at, sound in frames if at > since] or [np.zeros(1)]) for frames in self.heard]
        return max(level_db(track) for track in tracks) if tracks else -100.0

    async def close(self) -> None:
        await self._connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def new_thief():
    thieves: list[Thief] = []

    def make() -> Thief:
        thieves.append(Thief())
        return thieves[-1]

    yield make
    for thief in thieves:
        await thief.close()


@pytest.fixture
def thief(new_thief):
    return new_thief()


THE_MICROPHONE = {BROADCASTER: ["microphone"]}
THE_CLEAN_VOICE = {AGENT_NAME: ["clean"]}


async def noisy_broadcast(new_broadcast):
    broadcast = await new_broadcast().open()
    speaker = await broadcast.speaker(noise(3, -20))
    await until(lambda: speaker.agent().get("state") == "cleaning", 30, "cleaning")
    await asyncio.sleep(2)
    return broadcast, speaker


async def test_a_listeners_token_does_not_get_what_is_in_the_studio(worker, new_broadcast, new_thief):
    broadcast, speaker = await noisy_broadcast(new_broadcast)
    await speaker.call(RPC_SET_MONITOR, original=True)

    async def break_in(wishes):
        thief = new_thief()
        await thief.break_in(broadcast.url, tokens.stage(broadcast.metadata.stage, "mallory"), wishes)
        return thief

    thieves = await asyncio.gather(
        *map(
            break_in,
            [
                THE_MICROPHONE,
                {AGENT_NAME: ["original"]},
                THE_MICROPHONE | THE_CLEAN_VOICE,
                {BROADCASTER: ["microphone", "clean"]},
            ],
        )
    )
    assert [thief.status for thief in thieves] == [503] * 4  # the server waits in vain for a track that is not in the room
    assert not any(thief.heard for thief in thieves)


async def test_a_listeners_token_gets_the_clean_voice_and_nothing_else(worker, new_broadcast, thief):
    broadcast, speaker = await noisy_broadcast(new_broadcast)
    await thief.break_in(broadcast.url, tokens.stage(broadcast.metadata.stage, "mallory"), THE_CLEAN_VOICE)
    assert thief.status == 201
    await until(lambda: any(thief.heard), 10, "any sound")
    await asyncio.sleep(2)
    assert thief.level() < QUIET_DB
    # He would hear the noise if there were any: now the clean track carries it.
    await speaker.call(RPC_SET_BYPASS, bypass=True)
    await until(lambda: thief.level() > LOUD_DB, 5, "the noise, by way of the clean track")


async def test_in_the_studio_the_thief_would_succeed(worker, new_broadcast, thief):
    """Only the room keeps the thief from the microphone: a token for the studio, which no listener gets, opens it."""
    broadcast, _ = await noisy_broadcast(new_broadcast)
    await thief.break_in(broadcast.url, tokens.stage(broadcast.studio, "mallory"), THE_MICROPHONE)
    assert thief.status == 201
    await until(lambda: thief.level() > LOUD_DB, 10, "the raw microphone")


def with_room(token: str, room: str) -> str:
    """Returns the token with another room written into it."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["video"]["room"] = room
    return ".".join((head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature))


async def test_the_token_does_not_open_the_studio(worker, new_broadcast, thief):
    broadcast, _ = await noisy_broadcast(new_broadcast)
    token = tokens.stage(broadcast.metadata.stage, "mallory")
    await thief.break_in(broadcast.url, with_room(token, broadcast.studio), THE_MICROPHONE)
    assert thief.status == 401
    assert not thief.heard


async def test_naming_the_studio_in_the_address_does_not_lead_there(worker, new_broadcast, new_thief):
    broadcast, _ = await noisy_broadcast(new_broadcast)

    async def break_in(path):
        thief, token = new_thief(), tokens.stage(broadcast.metadata.stage, "mallory")
        await thief.break_in(broadcast.url, token, THE_MICROPHONE, path.format(studio=broadcast.studio, token=token))
        return thief

    thieves = await asyncio.gather(
        *map(
            break_in,
            [
                "/whip/v1?room={studio}",
                "/whip/v1/{studio}",
                "/whip/v1?access_token={token}&room={studio}",
            ],
        )
    )
    await asyncio.sleep(3)
    assert max(thief.level() for thief in thieves) < QUIET_DB
    studio = {identity for identity, _ in await broadcast.published(broadcast.studio)}
    assert studio == {BROADCASTER}


async def test_a_stage_token_lets_nobody_publish_or_speak(worker, new_broadcast):
    broadcast, _ = await noisy_broadcast(new_broadcast)
    listener = await broadcast.listener()
    permissions = listener.room.local_participant.permissions
    assert (permissions.can_publish, permissions.can_publish_data, permissions.can_update_metadata) == (False, False, False)
    assert StudioMetadata.from_json(broadcast.metadata.to_json()).stage == listener.room.name
