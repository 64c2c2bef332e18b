"""Goes on air from a file: `./stillair agent publish`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from livekit import rtc

from agent.cli.denoise_files import voice_of
from agent.cli.web_client import Account, AccountError
from agent.live.stage import publish_options
from agent.voice.frames import FRAME, FRAME_S, Int16, to_int16
from contract.messages import AGENT_NAME, ATTRIBUTE_STATE, QUALITIES, USUAL_QUALITY
from contract.recording import SAMPLE_RATE

READY_TIMEOUT_S = 30.0
TAIL_S = 0.5
"""Seconds of silence at the end, for what the noise remover still has, and what is on the way."""


async def publish(account: Account, file: Path, *, title: str, strength_db: float, tell: Callable[[float], None]) -> float:
    """Be on air from the first sample of the file to its last, and return its length in seconds. Raises AccountError and
    agent.cli.denoise_files.UnusableFile.

    `tell`: called now and then with the seconds that have been sent.
    """
    frames = _frames_of(file)  # before anything begins, a file that cannot be read is named
    ticket = await account.start(title, strength_db)
    room = rtc.Room()
    try:
        try:
            await room.connect(ticket.url, ticket.token, rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise AccountError(f"The audio server at {ticket.url} cannot be reached: {error}") from error
        await _send(room, frames, tell)
        return len(frames) * FRAME_S
    finally:
        await room.disconnect()
        await account.stop()


def _frames_of(file: Path) -> Int16:
    """[frames, 480], the end filled up with silence. Raises UnusableFile."""
    sound = np.concatenate([*voice_of(file), np.zeros(round(TAIL_S * SAMPLE_RATE), np.float32)])
    sound = np.pad(sound, (0, -len(sound) % FRAME))
    return to_int16(sound).reshape(-1, FRAME)


async def _send(room: rtc.Room, frames: Int16, tell: Callable[[float], None]) -> None:
    source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=200)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = publish_options(rtc.TrackSource.SOURCE_MICROPHONE, QUALITIES[USUAL_QUALITY])
    await room.local_participant.publish_track(track, options)
    silence = np.zeros(FRAME, np.int16)
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not _cleaning(room):  # friends hear nothing before
                await source.capture_frame(_packed(silence))
    except TimeoutError as error:
        raise AccountError("The noise remover did not come. Your admin can see why in its log.") from error
    for number, frame in enumerate(frames):
        if not room.isconnected():
            raise AccountError("The stream was ended from elsewhere, or the audio server is gone. What was sent is recorded.")
        await source.capture_frame(_packed(frame))
        tell((number + 1) * FRAME_S)
    await source.wait_for_playout()
    with contextlib.suppress(RuntimeError):
        await source.aclose()


def _cleaning(room: rtc.Room) -> bool:
    remover = room.remote_participants.get(AGENT_NAME)
    return remover is not None and remover.attributes.get(ATTRIBUTE_STATE) not in (None, "starting")


def _packed(frame: Int16) -> rtc.AudioFrame:
    return rtc.AudioFrame(frame.tobytes(), SAMPLE_RATE, 1, FRAME)
