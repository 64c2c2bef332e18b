"""The broadcaster's microphone: subscribes to its track in the studio and takes the frames from it, as fast as they come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from livekit import rtc

from agent.live.latency import JitterBufferCount, Latency
from agent.live.lateness import MAX_QUEUED_FRAMES, Cooldown, FrameClock, Overload
from agent.live.packet_watch import PacketWatch, packets_of
from agent.live.rtc_frames import samples_of
from agent.live.sound_path import SoundPath
from agent.live.status import StatusPublisher
from agent.recording.timeline import CAUSE_CONNECTION
from agent.voice.clean_voice import OVERLOAD
from agent.voice.frames import FRAME_S
from contract.messages import ATTRIBUTE_DELAY
from contract.recording import SAMPLE_RATE

logger = logging.getLogger(__name__)

MEASURE_LATENCY_EVERY_S = 2.0
MAX_SILENT_S = 3
CLOSE_TIMEOUT_S = 2.0
LATE_S = 5 * FRAME_S
LOG_AGAIN_S = 30.0

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class MicrophoneInput:
    """Feeds the sound path from whatever track the broadcaster's microphone has now. Belongs to the event loop."""

    def __init__(
        self,
        studio: rtc.Room,
        owner: str,
        path: SoundPath,
        latency: Latency,
        status: StatusPublisher,
        *,
        channels: int,
        spawn: Spawn,
    ) -> None:
        """`owner`: identity of the broadcaster. `spawn`: starts a task of the session, under a name."""
        self._studio = studio
        self._owner = owner
        self._path = path
        self._latency = latency
        self._status = status
        self._channels = channels
        self._spawn = spawn
        self._overload = Overload()
        self._log_late = Cooldown(LOG_AGAIN_S)
        self._track: rtc.RemoteAudioTrack | None = None
        self._clock: FrameClock | None = None  # while the track lives
        self._lost_frames = 0
        self._pump: asyncio.Task[None] | None = None
        self._silent_s = 0
        self._frames_seen = 0

    def listen(self) -> None:
        """Follows the studio's events. To be called before it is joined."""
        self._studio.on("track_published", self._offered)
        self._studio.on("track_subscribed", self._subscribed)
        self._studio.on("track_unsubscribed", self._unsubscribed)
        self._studio.on("reconnected", self.look_around)

    def look_around(self) -> None:
        """Subscribes to what is there already: no event tells of it after joining, nor after a full reconnect."""
        broadcaster = self._studio.remote_participants.get(self._owner)
        if broadcaster is not None:
            for publication in broadcaster.track_publications.values():
                self._offered(publication, broadcaster)

    async def stop(self) -> None:
        """Returns when the last frame has been passed on."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])

    # --- its track --------------------------------------------------------------------------------------------------

    def _offered(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._owner and publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            publication.set_subscribed(True)

    def _subscribed(
        self,
        track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        if isinstance(track, rtc.RemoteAudioTrack):
            self._open(track, publication)

    def _open(self, track: rtc.RemoteAudioTrack, publication: rtc.RemoteTrackPublication) -> None:
        # The newest track wins. The old stream would never end by itself, it just stops delivering.
        if self._pump is not None:
            self._pump.cancel()
            self._path.recorder.expect_gap(CAUSE_CONNECTION)  # and not what the old one may have been late for
        self._track, self._clock, self._lost_frames = track, FrameClock(), 0
        self._pump = self._spawn(self._pump_track(track, publication), "pump")

    def _unsubscribed(
        self,
        track: rtc.RemoteTrack,
        _publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        # Its stream still delivers what the jitter buffer holds, and one last frame just before the next track begins. That
        # frame has not been waiting for this job, so the clock must not see it.
        if track is self._track:
            self._clock = None
            self._path.recorder.expect_gap(CAUSE_CONNECTION)

    def check_delivery(self, *, is_here: bool) -> None:
        """Opens a track again that has died with a connection: a live one delivers all the time, silence too. To be called once
        a second. `is_here`: the broadcaster is in the studio."""
        self._silent_s = self._silent_s + 1 if is_here and self._path.frames == self._frames_seen else 0
        self._frames_seen = self._path.frames
        if not self._silent_s or self._silent_s % MAX_SILENT_S:
            return
        for publication in self._studio.remote_participants[self._owner].track_publications.values():
            if publication.source == rtc.TrackSource.SOURCE_MICROPHONE and isinstance(publication.track, rtc.RemoteAudioTrack):
                logger.warning("The microphone's track stopped delivering; opening it again")
                self._open(publication.track, publication)

    # --- its frames -------------------------------------------------------------------------------------------------

    async def _pump_track(self, track: rtc.RemoteAudioTrack, publication: rtc.RemoteTrackPublication) -> None:
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=self._channels, capacity=MAX_QUEUED_FRAMES)
        packet_watch = PacketWatch(partial(packets_of, track))
        watch = self._spawn(packet_watch.watch(), "watch packets")
        measuring = self._spawn(self._measure_latency(track), "measure latency")
        try:
            idle_since = time.monotonic()
            async for event in stream:
                taken = time.monotonic()
                if self._clock is not None:
                    self._keep_up(self._clock, self._clock.taken(taken, taken - idle_since))
                samples = samples_of(event.frame)
                packet_watch.look_at(samples)
                await self._path.pass_on(samples, missing=packet_watch.missing and not publication.muted)
                idle_since = time.monotonic()
        finally:
            watch.cancel()
            measuring.cancel()
            with contextlib.suppress(TimeoutError):  # a stream whose track has died may never confirm its end
                await asyncio.wait_for(stream.aclose(), CLOSE_TIMEOUT_S)

    def _keep_up(self, clock: FrameClock, behind_s: float) -> None:
        """Pauses noise removal while this job is too slow, and notes what was lost."""
        self._path.voice.overloaded = self._overload.after(behind_s)
        if clock.lost > self._lost_frames:
            self._path.recorder.expect_gap(OVERLOAD)
        self._lost_frames = clock.lost
        if behind_s > LATE_S and self._log_late.ready(time.monotonic()):
            logger.warning("Late", extra={"behind_ms": round(behind_s * 1e3), "frames_lost": clock.lost})

    async def _measure_latency(self, track: rtc.RemoteAudioTrack) -> None:
        self._latency.update(None)
        while True:
            await asyncio.sleep(MEASURE_LATENCY_EVERY_S)
            try:
                stats = await track.get_stats()
            except Exception:  # the SDK has no narrower class, and raises it for a track that is going, say
                logger.debug("A track gave no statistics", exc_info=True)
                continue
            self._latency.update(JitterBufferCount.from_stats(stats))
            if self._latency.published_ms:
                self._status.set(ATTRIBUTE_DELAY, str(self._latency.published_ms))
