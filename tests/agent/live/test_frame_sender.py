"""Frames go out each once and in order, however fast they come."""

import asyncio
import time

import numpy as np
import pytest
from livekit import rtc

from agent.live.audio_source import Outlet
from agent.voice.frames import FRAME
from contract.recording import SAMPLE_RATE


@pytest.fixture
async def outlet():
    made = Outlet()
    yield made
    await made.aclose()


def frame(number):
    return np.full(FRAME, number, np.int16)


async def heard(stream, count):
    """The numbers of the frames that come out of a track."""
    numbers = []
    async with asyncio.timeout(10):
        async for event in stream:
            numbers.append(int(np.frombuffer(event.frame.data, np.int16)[FRAME // 2]))
            if len(numbers) == count:
                return numbers


async def test_every_frame_of_a_burst_goes_out_once_and_in_order(outlet):
    track = rtc.LocalAudioTrack.create_audio_track("clean", outlet.source)
    stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
    for number in range(1, 201):
        await outlet.send(frame(number))
    assert await heard(stream, 200) == list(range(1, 201))
    await stream.aclose()


async def test_a_closed_one_takes_frames_and_sends_nothing():
    outlet = Outlet()
    await outlet.aclose()
    await outlet.send(frame(1))
    assert outlet._confirmed == outlet._number


async def test_the_event_loop_is_not_woken_for_a_frame_that_was_sent(outlet):
    woken = 0
    schedule = outlet._loop.call_soon_threadsafe

    def count(*arguments, **options):
        nonlocal woken
        woken += 1
        return schedule(*arguments, **options)

    outlet._loop.call_soon_threadsafe = count
    for number in range(50):
        await outlet.send(frame(number))
        await asyncio.to_thread(until_confirmed, outlet)
    assert woken <= 50  # by the threads of this test alone


def until_confirmed(outlet):
    while outlet._confirmed != outlet._number:
        time.sleep(0.0001)
