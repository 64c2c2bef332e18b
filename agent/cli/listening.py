"""Records what a listener hears to a file: `./stillair agent listen`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import soundfile
from livekit import rtc

from agent.cli.denoise_files import UnusableFile
from agent.cli.web_client import Account, AccountError, Ticket
from agent.live.rtc_frames import samples_of
from contract.recording import SAMPLE_RATE

AGAIN_S = 1.0
CLOSE_TIMEOUT_S = 2.0


async def listen(
    account: Account,
    username: str,
    file: Path,
    *,
    seconds: float | None,
    wait_s: float,
    tell: Callable[[float], None],
) -> float:
    """What friends hear of this person, until the stream ends or for so many seconds -> seconds written.

    `wait_s`: how long to wait for the person to be live. Moves along when the stream moves to another stage. Raises AccountError,
    and UnusableFile when the file cannot be written.
    """
    ticket = await _ticket(account, username, wait_s)
    if ticket is None:
        raise AccountError(f"{username} is not live, or not a friend of yours.")
    try:
        with soundfile.SoundFile(file, "w", SAMPLE_RATE, 1, "PCM_16") as sink:
            while ticket is not None:
                await _hear(ticket, sink, seconds, tell)
                heard_s = float(sink.frames / SAMPLE_RATE)
                enough = seconds is not None and heard_s >= seconds
                ticket = None if enough else await _ticket(account, username, AGAIN_S)
            return heard_s
    except (OSError, soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise UnusableFile(f"{file} cannot be written: {error}") from error


async def _ticket(account: Account, username: str, wait_s: float) -> Ticket | None:
    end = time.monotonic() + wait_s
    while True:
        ticket = await account.listen(username)
        if ticket is not None or time.monotonic() >= end:
            return ticket
        await asyncio.sleep(AGAIN_S)


async def _hear(ticket: Ticket, sink: soundfile.SoundFile, seconds: float | None, tell: Callable[[float], None]) -> None:
    """Until the room is left or closed, or there is enough."""
    room, over = rtc.Room(), asyncio.Event()
    tracks: asyncio.Queue[rtc.RemoteAudioTrack] = asyncio.Queue()
    room.on("disconnected", lambda _reason: over.set())
    room.on("track_subscribed", lambda track, *_: tracks.put_nowait(track))
    try:
        await room.connect(ticket.url, ticket.token)
    except rtc.ConnectError as error:
        raise AccountError(f"The audio server at {ticket.url} cannot be reached: {error}") from error
    writing = asyncio.create_task(_write(tracks, sink, seconds, tell), name="write")
    ended = asyncio.create_task(over.wait(), name="room closed")
    try:
        await asyncio.wait({writing, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (writing, ended):
            task.cancel()
        await asyncio.wait({writing, ended})
        await room.disconnect()
    if not writing.cancelled():
        writing.result()


async def _write(
    tracks: asyncio.Queue[rtc.RemoteAudioTrack],
    sink: soundfile.SoundFile,
    seconds: float | None,
    tell: Callable[[float], None],
) -> None:
    """Track after track; each stops delivering without a word when there is a new one, or none."""
    while True:
        stream = rtc.AudioStream(await tracks.get(), sample_rate=SAMPLE_RATE, num_channels=1)
        try:
            async for event in stream:
                sink.write(samples_of(event.frame))
                heard_s = sink.frames / SAMPLE_RATE
                tell(heard_s)
                if seconds is not None and heard_s >= seconds:
                    return
                if not tracks.empty():
                    break
        finally:
            with contextlib.suppress(TimeoutError):  # a stream whose track has died may never confirm its end
                await asyncio.wait_for(stream.aclose(), CLOSE_TIMEOUT_S)
