"""Frames go out each once and in order, however fast they come."""

import asyncio
import time

import numpy as np
import pytest
from livekit import rtc

from agent.live.frame_sender import FrameSender
from agent.voice.frames import FRAME
from contract.recording import SAMPLE_RATE


@pytest.fixture
async def sender():
    made = FrameSender()
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


async def test_every_frame_of_a_burst_goes_out_once_and_in_order(sender):
    track = rtc.LocalAudioTrack.create_audio_track("clean", sender.source)
    stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
    for number in range(1, 201):
        await sender.send(frame(number))
    assert await heard(stream, 200) == list(range(1, 201))
    await stream.aclose()


async def test_a_closed_one_takes_frames_and_sends_nothing():
    sender = FrameSender()
    await sender.aclose()
    await sender.send(frame(1))
    assert sender._confirmed == sender._number


async def test_the_event_loop_is_not_woken_for_a_frame_that_was_sent(sender):
    woken = 0
    schedule = sender._loop.call_soon_threadsafe

    def count(*arguments, **options):
        nonlocal woken
        woken += 1
        return schedule(*arguments, **options)

    sender._loop.call_soon_threadsafe = count
    for number in range(50):
        await sender.send(frame(number))
        await asyncio.to_thread(until_confirmed, sender)
    assert woken <= 50  # by the threads of this test alone


def until_confirmed(sender):
    while sender._confirmed != sender._number:
        time.sleep(0.0001)
