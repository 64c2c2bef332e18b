"""Frames go out each once and in order, however fast they come, and come in without an event loop."""

import asyncio
import threading

import numpy as np
import pytest
from livekit import rtc

from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.live.frame_sender import FrameSender
from agent.live.sdk_events import router
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


async def until_idle(sender):
    async with asyncio.timeout(5):
        while sender._is_busy:  # noqa: ASYNC110 - the SDK's thread sets it
            await asyncio.sleep(0.0001)


async def test_every_frame_of_a_burst_goes_out_once_and_in_order(sender):
    track = rtc.LocalAudioTrack.create_audio_track("clean", sender.source)
    stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
    for number in range(1, 201):
        sender.send(frame(number))
        if number % MAX_QUEUED_FRAMES == 0:
            await until_idle(sender)
    assert await heard(stream, 200) == list(range(1, 201))
    await stream.aclose()


async def test_frames_are_sent_from_any_thread(sender):
    track = rtc.LocalAudioTrack.create_audio_track("clean", sender.source)
    stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
    thread = threading.Thread(target=lambda: [sender.send(frame(number)) for number in range(1, 6)])
    thread.start()
    assert await heard(stream, 5) == [1, 2, 3, 4, 5]
    thread.join()
    await stream.aclose()


async def test_no_more_than_100_ms_wait_for_the_sdk(sender):
    router().confirmations.pop(sender._number)  # it never answers
    for number in range(100):
        sender.send(frame(number))
    assert [int(waiting[0]) for waiting in sender._waiting] == list(range(90, 100))


async def test_a_closed_one_takes_frames_and_sends_nothing():
    sender = FrameSender()
    sender.send(frame(1))
    await until_idle(sender)
    await sender.aclose()
    sender.send(frame(2))
    assert not sender._is_busy
    assert sender._number not in router().confirmations
