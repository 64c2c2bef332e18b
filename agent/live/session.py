"""One broadcast: the microphone in the studio, the noise remover, the clean track on the stage, the recording.

A job's process runs one Session. The entrypoint returns once the session has started (a blocking one would hold up the
worker's end by 15 s); what goes on afterwards are the session's tasks. The order at the end is livekit-agents': `finish` while
the studio is still connected, `close` after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext
from livekit.rtc.participant import PublishDataError, PublishTrackError, UnpublishTrackError

from agent.config import AgentConfig
from agent.live.latency import Delay, Waited
from agent.live.lateness import MAX_QUEUED_FRAMES, Cooldown, FrameClock, Overload
from agent.live.monitor import Monitor
from agent.live.packet_watch import Arrivals, packets_of
from agent.live.rtc_frames import samples_of, silent_frame
from agent.live.stage import Stage, stage_token
from agent.recording.files import RecordingFolder
from agent.recording.recorder import CAUSE_CONNECTION, FlacRecorder
from agent.voice.clean_voice import OVERLOAD, Streams, Voice
from agent.voice.frames import FRAME_S, Int16
from agent.voice.pass_through import Music
from contract.fields import ContractError
from contract.messages import (
    ATTRIBUTE_BEAT,
    ATTRIBUTE_DELAY,
    ATTRIBUTE_RECORDING,
    ATTRIBUTE_REMOVED,
    ATTRIBUTE_STAGE,
    ATTRIBUTE_STATE,
    ATTRIBUTE_STRENGTH,
    METER_TOPIC,
    QUALITIES,
    RPC_SET_BYPASS,
    RPC_SET_MONITOR,
    RPC_SET_STRENGTH,
    RPC_SET_UPLINK,
    BroadcastJob,
    StudioMetadata,
)
from contract.recording import SAMPLE_RATE

logger = logging.getLogger(__name__)

BEAT_S = 2.0
METER_FRAMES = 10
DELAY_EVERY_S = 2.0
SILENT_S = 3
CLOSE_TIMEOUT_S = 2.0
TELL_WHY_S = 1.0
STREAM_OVER = rtc.DisconnectReason.ROOM_DELETED
"""The web app deletes the studio when a stream has ended. After any other end another job may go on with the recording."""

WEB_APP_FIRST_S = 15.0
"""The web app ends a stream whose broadcaster has stayed away; the job does so itself only when that has not happened."""


class Session:
    def __init__(self, ctx: JobContext, config: AgentConfig, job: BroadcastJob, denoiser: Streams) -> None:
        self._ctx = ctx
        self._config = config
        self._job = job
        self._studio = ctx.room
        self._loop = asyncio.get_running_loop()
        self._quality = QUALITIES[job.quality]
        self._voice: Voice | Music
        if self._quality.is_cleaned:
            self._voice = Voice(denoiser, strength_db=job.strength_db, never_original=config.never_original)
        else:
            self._voice = Music()
        self._delay = Delay(self._voice.latency_samples)
        self._stage = Stage(config.url, self._quality, lambda room: stage_token(config.api_key, config.api_secret, room))
        self._monitor = Monitor(self._studio, self._quality)
        self._recorder = FlacRecorder(
            config.recordings,
            stream_id=job.stream_id,
            owner=job.owner,
            title=job.title,
            on_state=self._recorder_changed,
            channels=self._quality.channels,
            storage=RecordingFolder(config.recordings, low_water_bytes=config.low_water_mb * 2**20),
        )
        self._usual_state = "cleaning" if self._quality.is_cleaned else "music"
        self._heard = silent_frame(self._quality.channels)  # of the present frame, what goes to friends and into the recording
        self._recording = False
        self._over = False
        self._gone = asyncio.Event()
        self._missing = False
        self._paused: str | None = None
        self._overload = Overload()
        self._late = Cooldown(30.0)
        self._track: rtc.RemoteAudioTrack | None = None
        self._clock: FrameClock | None = None  # while the track lives
        self._lost_frames = 0
        self._frames = 0
        self._meter_due = asyncio.Event()
        self._attributes_due = asyncio.Event()
        self._attributes = {
            ATTRIBUTE_STATE: "starting",
            ATTRIBUTE_STRENGTH: f"{job.strength_db:g}",
            ATTRIBUTE_RECORDING: "off",
            ATTRIBUTE_DELAY: "",
            ATTRIBUTE_STAGE: "",
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None

    # --- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Joins the studio and sets everything going. Raises rtc.ConnectError and ContractError."""
        self._studio.on("track_published", self._offered)
        self._studio.on("track_subscribed", self._subscribed)
        self._studio.on("track_unsubscribed", self._unsubscribed)
        self._studio.on("reconnected", self._look_around)
        self._studio.on("room_metadata_changed", self._metadata_changed)
        self._studio.on("participant_disconnected", self._left)
        self._studio.on("disconnected", self._disconnected)
        await self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        self._follow(StudioMetadata.from_json(self._studio.metadata))
        for method, answer in (
            (RPC_SET_STRENGTH, self._set_strength),
            (RPC_SET_BYPASS, self._set_bypass),
            (RPC_SET_MONITOR, self._set_monitor),
            (RPC_SET_UPLINK, self._set_uplink),
        ):
            self._studio.local_participant.register_rpc_method(method, self._for_broadcaster(answer))
        self._spawn(self._stage.run(), "stage")
        self._spawn(self._tell_attributes(), "attributes")
        self._spawn(self._tell_meter(), "meter")
        self._spawn(self._watch_broadcaster(), "watch broadcaster")
        self._look_around()
        logger.info("The broadcast runs")

    async def finish(self) -> None:
        """Finalises the recording; the studio is still connected, unless its loss is the reason."""
        # When the web app deletes the studio the worker is told to end this job, too, and that may be heard of first.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), TELL_WHY_S)
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        await asyncio.to_thread(self._recorder.close, finished=self._over)

    async def close(self) -> None:
        """Leaves the stage and ends all tasks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Half a session is worse than none: a new job takes over, and the same recording goes on.
            logger.error("Part of a session failed", exc_info=task.exception(), extra={"part": task.get_name()})
            self._ctx.shutdown("part of the session failed")

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._over = self._over or reason == STREAM_OVER
        self._gone.set()
        self._stage.stay()
        logger.info("The studio is gone", extra={"reason": rtc.DisconnectReason.Name(reason)})

    # --- what the web app says --------------------------------------------------------------------------------------

    def _metadata_changed(self, _old: str, new: str) -> None:
        try:
            self._follow(StudioMetadata.from_json(new))
        except ContractError:
            logger.exception("The studio's metadata is not followed")

    def _follow(self, metadata: StudioMetadata) -> None:
        self._stage.move(metadata.stage)
        self._recorder.rename(metadata.title)
        self._recorder.limit(metadata.recording_limit)
        if metadata.live and not self._recording:
            self._recording = True
            self._recorder.start()

    # --- the microphone ---------------------------------------------------------------------------------------------

    def _offered(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._job.owner and publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            publication.set_subscribed(True)

    def _look_around(self) -> None:
        """Subscribes to what is there already: after joining, and after every full reconnect (no event tells then)."""
        broadcaster = self._studio.remote_participants.get(self._job.owner)
        if broadcaster is not None:
            for publication in broadcaster.track_publications.values():
                self._offered(publication, broadcaster)

    def _subscribed(
        self,
        track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if not isinstance(track, rtc.RemoteAudioTrack):
            return
        # The newest track wins. The old stream would never end by itself, it just stops delivering.
        if self._pump is not None:
            self._pump.cancel()
            self._recorder.expect_gap(CAUSE_CONNECTION)  # not what the old one may have been late for
        self._track, self._clock, self._lost_frames = track, FrameClock(), 0
        self._pump = self._spawn(self._pump_track(track, publication), "pump")

    def _unsubscribed(
        self,
        track: rtc.RemoteTrack,
        _publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        # Its stream still delivers what the jitter buffer holds, and one more frame just before the next track is there: that one
        # has not been waiting for the job.
        if track is self._track:
            self._clock = None
            self._recorder.expect_gap(CAUSE_CONNECTION)

    async def _pump_track(self, track: rtc.RemoteAudioTrack, publication: rtc.RemoteTrackPublication) -> None:
        channels = self._quality.channels
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=channels, capacity=MAX_QUEUED_FRAMES)
        arrivals = Arrivals(partial(packets_of, track))
        watch = self._spawn(arrivals.watch(), "watch arrivals")
        measuring = self._spawn(self._measure_delay(track), "measure delay")
        try:
            idle_since = time.monotonic()
            async for event in stream:
                taken = time.monotonic()
                if self._clock is not None:
                    self._keep_up(self._clock, self._clock.taken(taken, taken - idle_since))
                samples = samples_of(event.frame)
                arrivals.look_at(samples)
                await self._pass_on(samples, missing=arrivals.missing and not publication.muted)
                idle_since = time.monotonic()
        finally:
            watch.cancel()
            measuring.cancel()
            with contextlib.suppress(TimeoutError):  # a stream whose track has died may never confirm its end
                await asyncio.wait_for(stream.aclose(), CLOSE_TIMEOUT_S)

    async def _measure_delay(self, track: rtc.RemoteAudioTrack) -> None:
        self._delay.waited(None)
        while True:
            await asyncio.sleep(DELAY_EVERY_S)
            try:
                stats = await track.get_stats()
            except Exception:  # the SDK raises just that: for a track that is going, say
                logger.debug("A track gave no statistics", exc_info=True)
                continue
            self._delay.waited(Waited.of(stats))
            if self._delay.told_ms:
                self._set(ATTRIBUTE_DELAY, str(self._delay.told_ms))

    def _keep_up(self, clock: FrameClock, behind_s: float) -> None:
        self._voice.overloaded = self._overload.after(behind_s)
        if clock.lost > self._lost_frames:
            self._recorder.expect_gap(OVERLOAD)
        self._lost_frames = clock.lost
        if behind_s > 5 * FRAME_S and self._late.ready(time.monotonic()):
            logger.warning("Late", extra={"behind_ms": round(behind_s * 1e3), "frames_lost": clock.lost})

    async def _pass_on(self, samples: Int16, *, missing: bool) -> None:
        """`missing`: the frame was made up, for nothing arrives."""
        # On the event loop, not in a thread: the way there and back is a wake-up more (0.05 to 0.2 ms of CPU, and on a busy
        # machine 2 ms of delay at the median), and nothing else on this loop is in a hurry.
        original = self._voice.process(samples, self._heard)
        if missing != self._missing:
            self._missing = missing
            self._recorder.expect_gap(CAUSE_CONNECTION)
            logger.info("No sound arrives" if missing else "Sound arrives again")
        if self._recording and not missing:
            self._recorder.write(self._heard)  # what is left out becomes silence with an entry that says why
        self._paused_changed(self._voice.paused)
        room = await self._stage.send(self._heard)
        self._set(ATTRIBUTE_STAGE, room)
        if room:
            state = "silenced" if self._voice.silenced else "paused" if self._paused else self._usual_state
            self._set(ATTRIBUTE_STATE, state)
            self._stage.tell(state, self._attributes[ATTRIBUTE_DELAY])
        await self._monitor.send(original)
        self._frames += 1
        if self._frames % METER_FRAMES == 0:
            self._meter_due.set()

    def _paused_changed(self, cause: str | None) -> None:
        if cause == self._paused:
            return
        if self._paused is not None:
            self._recorder.pause_ended()
        if cause is not None:
            self._recorder.pause_began(cause)
        logger.info("Noise removal paused" if cause else "Noise removal goes on", extra={"cause": cause or self._paused})
        self._paused = cause

    # --- what the broadcaster asks for ------------------------------------------------------------------------------

    def _for_broadcaster(
        self,
        answer: Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]],
    ) -> Callable[[rtc.RpcInvocationData], Coroutine[Any, Any, str]]:
        """Reads and writes the JSON of an RPC method, and refuses everybody but the broadcaster."""

        async def handle(call: rtc.RpcInvocationData) -> str:
            if call.caller_identity != self._job.owner:
                raise rtc.RpcError(403, "Only the broadcaster may do this.")
            try:
                request = json.loads(call.payload)
            except ValueError:
                request = None
            if not isinstance(request, dict):
                raise rtc.RpcError(400, "The request is not a JSON object.")
            return json.dumps(await answer(request))

        return handle

    async def _set_strength(self, request: dict[str, Any]) -> dict[str, Any]:
        strength = _number(request, "strength_db", 100)
        self._voice.strength_db = strength
        self._set(ATTRIBUTE_STRENGTH, f"{strength:g}")
        return {"strength_db": strength}

    async def _set_uplink(self, request: dict[str, Any]) -> dict[str, Any]:
        self._delay.uplink_ms = _number(request, "delay_ms", 10_000)
        return {"delay_ms": self._delay.uplink_ms}

    async def _set_bypass(self, request: dict[str, Any]) -> dict[str, Any]:
        self._voice.bypass = _flag(request, "bypass")
        return {"bypass": self._voice.bypass}

    async def _set_monitor(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = _flag(request, "original")
        try:
            await self._monitor.switch(wanted)
        except (PublishTrackError, UnpublishTrackError, TimeoutError) as error:
            raise rtc.RpcError(500, "The original sound cannot be sent now. Try again.") from error
        return {"original": wanted}

    # --- what the broadcaster's page and the web app hear -----------------------------------------------------------

    def _set(self, attribute: str, value: str) -> None:
        if self._attributes[attribute] != value:
            self._attributes[attribute] = value
            self._attributes_due.set()

    def _recorder_changed(self, state: str) -> None:
        """Called from the recorder's thread."""
        self._loop.call_soon_threadsafe(self._set, ATTRIBUTE_RECORDING, state)

    async def _tell_attributes(self) -> None:
        """Sends all attributes at every change and at every beat, for a server that was restarted has forgotten them."""
        while True:
            self._attributes_due.clear()
            beat = {ATTRIBUTE_BEAT: f"{time.time():.3f}", ATTRIBUTE_REMOVED: f"{self._voice.noise.read():.1f}"}
            await self._studio.local_participant.set_attributes(self._attributes | beat)
            try:
                await asyncio.wait_for(self._attributes_due.wait(), BEAT_S)
            except TimeoutError:
                continue

    async def _tell_meter(self) -> None:
        while True:
            await self._meter_due.wait()
            self._meter_due.clear()
            reading = {
                "removed_db": round(self._voice.noise.read(), 1),
                "level_db": round(self._voice.level.read(), 1),
                "seconds": round(self._recorder.seconds, 1),
            }
            try:
                await self._studio.local_participant.publish_data(
                    json.dumps(reading),
                    reliable=False,
                    destination_identities=[self._job.owner],
                    topic=METER_TOPIC,
                )
            except PublishDataError:
                logger.debug("A meter reading was not sent")

    # --- when the broadcaster is away -------------------------------------------------------------------------------

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._job.owner:
            self._recorder.expect_gap(CAUSE_CONNECTION)
            self._spawn(self._stop_monitor(), "stop monitor")

    async def _stop_monitor(self) -> None:
        with contextlib.suppress(UnpublishTrackError, TimeoutError):
            await self._monitor.switch(False)

    async def _watch_broadcaster(self) -> None:
        """Ends the job when the broadcaster stays away; time without a studio does not count, the audio server may be
        starting again."""
        away_s, limit_s = 0, self._config.grace_s + WEB_APP_FIRST_S
        silent_s, frames = 0, 0
        while away_s < limit_s:
            await asyncio.sleep(1)
            here = self._job.owner in self._studio.remote_participants
            away_s = 0 if here or not self._studio.isconnected() else away_s + 1
            silent_s = silent_s + 1 if here and self._frames == frames else 0
            frames = self._frames
            if silent_s and silent_s % SILENT_S == 0:
                self._open_again()
        self._over = True
        self._gone.set()
        self._ctx.shutdown("the broadcaster stayed away")

    def _open_again(self) -> None:
        """A subscribed track delivers all the time, silence too; one that does not has died with a connection."""
        broadcaster = self._studio.remote_participants[self._job.owner]
        for publication in broadcaster.track_publications.values():
            if publication.source == rtc.TrackSource.SOURCE_MICROPHONE and publication.track is not None:
                logger.warning("The microphone's track stopped delivering; opening it again")
                self._subscribed(publication.track, publication, broadcaster)


def _number(request: dict[str, Any], name: str, most: float) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise rtc.RpcError(400, f"{name} must be a number from 0 to {most:g}.")
    return float(value)


def _flag(request: dict[str, Any], name: str) -> bool:
    value = request.get(name)
    if not isinstance(value, bool):
        raise rtc.RpcError(400, f"{name} must be true or false.")
    return value
