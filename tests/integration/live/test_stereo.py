"""The way of music to the stage: two channels, through the relay, whatever happens to the audio server."""

import asyncio
import time

import pytest
from livekit import rtc

from agent.live.stage import Stage, stage_token
from agent.live.stereo_workaround import StereoRelay
from agent.voice.frames import FRAME, FRAME_S
from contract.messages import QUALITIES
from tests.integration.live.people import broadcasts, until
from tests.integration.live.sounds import RATE
from tests.integration.live.test_quality import assert_two_channels, two_tones
from tests.integration.streams.livekit_process import API_KEY, API_SECRET, LivekitProcess, free_port


@pytest.fixture
async def relay():
    opened = []

    async def open_to(url):
        opened.append(StereoRelay(url))
        return await opened[-1].open()

    yield open_to
    for one in opened:
        await one.aclose()


@pytest.fixture
def own_audio_server(tmp_path):
    process = LivekitProcess(tmp_path)
    process.start()
    yield process
    process.kill()


async def test_a_refused_token_is_told_as_without_it(audio_server, relay):
    room, url = rtc.Room(), await relay(audio_server.url)
    with pytest.raises(rtc.ConnectError, match="401"):
        await room.connect(url, stage_token(API_KEY, "not the secret" * 4, "stage"))


async def test_a_server_that_is_not_there_is_told_as_without_it(relay):
    room, url = rtc.Room(), await relay(f"ws://127.0.0.1:{free_port()}")
    with pytest.raises(rtc.ConnectError):
        await room.connect(url, stage_token(API_KEY, API_SECRET, "stage"))


async def test_both_channels_come_back_after_the_audio_server_was_killed(own_audio_server):
    async with broadcasts(own_audio_server.url) as new_broadcast:
        broadcast = new_broadcast()
        await broadcast.make_rooms()
        stage = Stage(own_audio_server.url, QUALITIES["music"], lambda room: stage_token(API_KEY, API_SECRET, room))
        stage.move(broadcast.metadata.stage)
        tasks = [asyncio.create_task(stage.run()), asyncio.create_task(_play(stage, two_tones()))]
        try:
            await _hear_two_channels(broadcast)
            own_audio_server.kill()
            await asyncio.to_thread(own_audio_server.start)
            await broadcast.make_rooms()
            await _hear_two_channels(broadcast)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _play(stage, sound):
    due = time.monotonic()
    while True:
        for at in range(0, len(sound), FRAME):
            stage.send(sound[at : at + FRAME])
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _hear_two_channels(broadcast):
    listener = await broadcast.listener(channels=2)
    await until(lambda: listener.tracks and listener.newest.loud_from() < time.monotonic() - 4, 60, "four seconds of it")
    assert_two_channels(listener.newest.sound.reshape(-1, 2)[-RATE:])
    await listener.leave()
