"""One broadcast from its start to its end: joins the studio, sets the parts going, and brings them to rest in order.

A job's thread, with an event loop of its own, runs one Session. The entrypoint returns once the session has started (a blocking
one would delay the worker's end by 15 s); what goes on afterwards are the session's tasks. livekit-agents decides the order at
the end: `finish` while the studio is still connected, `close` after it. The sound never touches the event loop:

    microphone_input -> desk -> sound_path -> recorder, stage, original_track      the sound
    control, status                                                                what the broadcaster asks for, and is told
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine
from typing import Any

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext
from livekit.rtc.participant import UnpublishTrackError

from agent.config import AgentConfig
from agent.desk.desk import Desk, DeskError
from agent.desk.seat import Frame, Seat
from agent.live.control import Control
from agent.live.microphone_input import MicrophoneInput
from agent.live.original_track import OriginalTrack
from agent.live.sound_path import SoundPath
from agent.live.stage import Stage, stage_token
from agent.live.status import StatusPublisher
from agent.recording.files import RecordingFolder
from agent.recording.recorder import FlacRecorder
from agent.recording.timeline import CAUSE_CONNECTION
from agent.voice.frames import Int16
from contract.fields import DocumentError
from contract.messages import (
    ATTRIBUTE_DELAY,
    ATTRIBUTE_RECORDING,
    ATTRIBUTE_STAGE,
    ATTRIBUTE_STATE,
    BROADCASTER,
    QUALITIES,
    BroadcastJob,
    StudioMetadata,
)

logger = logging.getLogger(__name__)

LEARN_WHY_S = 1.0
STREAM_OVER = rtc.DisconnectReason.ROOM_DELETED
"""The web app deletes the studio when a stream has ended. After any other end another job may continue the recording."""

WEB_APP_FIRST_S = 15.0
"""The web app ends a stream whose broadcaster has stayed away; the job does so itself only if that has not happened."""


class Session:
    """Owns the parts of one broadcast and their tasks. Belongs to the event loop."""

    def __init__(self, ctx: JobContext, config: AgentConfig, job: BroadcastJob, desk: Desk) -> None:
        self._ctx = ctx
        self._job = job
        self._desk = desk
        self._never_original = config.never_original
        self._studio = ctx.room
        self._loop = asyncio.get_running_loop()
        self._max_away_s = config.grace_s + WEB_APP_FIRST_S
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = False
        self._gone = asyncio.Event()
        self._seat: Seat | None = None
        self._quality = quality = QUALITIES[job.quality]
        self._stage = Stage(config.url, quality, lambda room: stage_token(config.api_key, config.api_secret, room))
        self._original_track = OriginalTrack(self._studio, quality)
        self._status = StatusPublisher(self._studio, BROADCASTER, strength_db=job.strength_db)
        self._recorder = FlacRecorder(
            config.recordings,
            stream_id=job.stream_id,
            owner=job.owner,
            title=job.title,
            on_state=self._recorder_changed,
            channels=quality.channels,
            storage=RecordingFolder(config.recordings, low_water_bytes=config.low_water_mb * 2**20),
        )
        self._path = SoundPath(self._recorder, self._stage, self._original_track, self._voice_changed, quality)
        self._microphone = MicrophoneInput(
            self._studio,
            BROADCASTER,
            self._path,
            channels=quality.channels,
            put=self._put,
            spawn=self._spawn,
            delay_changed=self._delay_changed,
        )

    async def start(self) -> None:
        """Joins the studio and sets everything going. Raises DeskError, rtc.ConnectError and DocumentError."""
        self._seat = seat = await asyncio.to_thread(self._take_seat)
        self._microphone.latency.processing_samples = seat.latency_samples
        self._microphone.listen()
        self._studio.on("room_metadata_changed", self._metadata_changed)
        self._studio.on("participant_disconnected", self._left)
        self._studio.on("disconnected", self._disconnected)
        await self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        self._follow(StudioMetadata.from_json(self._studio.metadata))
        control = Control(BROADCASTER, self._desk, seat, self._microphone.latency, self._original_track, self._status)
        control.register(self._studio.local_participant)
        self._spawn(self._stage.run(), "stage")
        self._spawn(self._status.publish_attributes(seat), "attributes")
        self._spawn(self._status.publish_meter(seat, lambda: self._recorder.seconds), "meter")
        self._spawn(self._watch_broadcaster(), "watch broadcaster")
        self._microphone.look_around()
        logger.info("The broadcast runs", extra={"room": self._studio.name, "job": self._ctx.job.id, "pid": os.getpid()})

    async def finish(self) -> None:
        """Finalises the recording; the studio is still connected, unless its loss is the reason."""
        # When the web app deletes the studio, the worker's shutdown may reach this job before the room's disconnect event:
        # wait briefly to learn why.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), LEARN_WHY_S)
        self._microphone.stop()
        await asyncio.to_thread(self._leave_desk)
        await asyncio.to_thread(self._recorder.close, finished=self._is_over)

    async def close(self) -> None:
        """Leaves the stage and ends all tasks. Is called in any case, also when `start` has failed."""
        await asyncio.to_thread(self._leave_desk)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- its seat at the desk -----------------------------------------------------------------------------------------

    def _take_seat(self) -> Seat:
        """Called on a thread that may wait."""
        return self._desk.open(
            self._take,
            self._sound_failed,
            music=not self._quality.is_cleaned,
            strength_db=self._job.strength_db,
            never_original=self._never_original,
        )

    def _leave_desk(self) -> None:
        """Called on a thread that may wait. Does nothing the second time."""
        seat, self._seat = self._seat, None
        if seat is None:
            return
        try:
            self._desk.close(seat)
        except DeskError:  # it hangs, and the crew will notice
            logger.exception("The desk was not left")

    def _put(self, frame: Int16) -> None:
        """Called on the SDK's thread."""
        seat = self._seat
        if seat is not None:
            self._desk.put(seat, frame)

    def _take(self, frame: Frame) -> None:
        """Called on the desk's thread."""
        seat = self._seat
        if seat is not None:
            self._microphone.take(seat, frame)

    def _sound_failed(self, error: Exception) -> None:
        """Called on the desk's thread: this broadcast ends alone, and the web app has it taken up again."""
        self._loop.call_soon_threadsafe(self._ctx.shutdown, "its sound failed")

    def _voice_changed(self, room: str, state: str) -> None:
        """Called on the desk's thread."""
        self._loop.call_soon_threadsafe(self._show_voice, room, state)

    def _show_voice(self, room: str, state: str) -> None:
        self._status.set(ATTRIBUTE_STAGE, room)
        if room:
            self._status.set(ATTRIBUTE_STATE, state)
            self._stage.show(state, self._status.get(ATTRIBUTE_DELAY))

    def _delay_changed(self, delay_ms: int) -> None:
        self._status.set(ATTRIBUTE_DELAY, str(delay_ms))
        if self._status.get(ATTRIBUTE_STAGE):
            self._stage.show(self._status.get(ATTRIBUTE_STATE), str(delay_ms))

    # --- its tasks --------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Half a session is worse than none: a new job takes over, and continues the same recording.
            logger.error("Part of a session failed", exc_info=task.exception(), extra={"part": task.get_name()})
            self._ctx.shutdown("part of the session failed")

    # --- news from the web app and the recorder ---------------------------------------------------------------------

    def _metadata_changed(self, _old: str, new: str) -> None:
        try:
            self._follow(StudioMetadata.from_json(new))
        except DocumentError:
            logger.exception("The studio's metadata is not followed")

    def _follow(self, metadata: StudioMetadata) -> None:
        self._stage.move(metadata.stage)
        self._recorder.rename(metadata.title)
        self._recorder.limit(metadata.recording_limit)
        if metadata.live and not self._path.is_recording:
            self._path.is_recording = True
            self._recorder.start()

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._is_over = self._is_over or reason == STREAM_OVER
        self._gone.set()
        self._stage.stop_joining()
        logger.info("The studio is gone", extra={"reason": rtc.DisconnectReason.Name(reason)})

    def _recorder_changed(self, state: str) -> None:
        """Called on the recorder's thread."""
        self._loop.call_soon_threadsafe(self._status.set, ATTRIBUTE_RECORDING, state)

    # --- when the broadcaster is away -------------------------------------------------------------------------------

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == BROADCASTER:
            self._recorder.expect_gap(CAUSE_CONNECTION)
            self._spawn(self._withdraw_original(), "withdraw original")

    async def _withdraw_original(self) -> None:
        with contextlib.suppress(UnpublishTrackError, TimeoutError):
            await self._original_track.switch(False)

    async def _watch_broadcaster(self) -> None:
        """Ends the job when the broadcaster stays away. Time without a studio does not count: the audio server may be starting
        again."""
        away_s = 0
        while away_s < self._max_away_s:
            await asyncio.sleep(1)
            is_here = BROADCASTER in self._studio.remote_participants
            away_s = 0 if is_here or not self._studio.isconnected() else away_s + 1
            self._microphone.check_delivery(is_here=is_here)
        self._is_over = True
        self._gone.set()
        self._ctx.shutdown("the broadcaster stayed away")
