"""The broadcaster's microphone: subscribes to its track in the studio, and lets its frames go to the desk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from livekit import rtc

from agent.desk.lateness import Cooldown
from agent.desk.seat import Frame, Seat
from agent.live.latency import JitterBufferCount, Latency
from agent.live.packet_watch import PacketWatch, packets_of
from agent.live.sound_path import SoundPath
from agent.live.track_frames import TrackFrames
from agent.recording.timeline import CAUSE_CONNECTION
from agent.voice.clean_voices import OVERLOAD
from agent.voice.frames import Int16

logger = logging.getLogger(__name__)

MEASURE_LATENCY_EVERY_S = 2.0
MAX_SILENT_S = 3
LOG_AGAIN_S = 30.0

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class MicrophoneInput:
    """Feeds the desk from whatever track the broadcaster's microphone has now, and the sound path from the desk. Belongs to the
    event loop, but for `take`."""

    def __init__(
        self,
        studio: rtc.Room,
        owner: str,
        path: SoundPath,
        *,
        channels: int,
        put: Callable[[Int16], None],
        spawn: Spawn,
        delay_changed: Callable[[int], None],
    ) -> None:
        """`owner`: identity of the broadcaster. `put`: gives a frame to the desk, on any thread. `spawn`: starts a task of the
        session, under a name. `delay_changed`: is told the new latency (ms)."""
        self.latency = Latency()
        self._studio = studio
        self._owner = owner
        self._path = path
        self._channels = channels
        self._put = put
        self._spawn = spawn
        self._delay_changed = delay_changed
        self._log_late = Cooldown(LOG_AGAIN_S)
        self._track: rtc.RemoteAudioTrack | None = None
        self._publication: rtc.RemoteTrackPublication | None = None
        self._frames: TrackFrames | None = None
        self._packet_watch: PacketWatch | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._lost_frames = 0
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

    def stop(self) -> None:
        """Takes nothing more from the track."""
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        for watcher in self._watchers:
            watcher.cancel()

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
        if self._frames is not None:
            self.stop()
            self._path.recorder.expect_gap(CAUSE_CONNECTION)
        self._track, self._publication = track, publication
        self._packet_watch = PacketWatch(partial(packets_of, track))
        self._watchers = [
            self._spawn(self._packet_watch.watch(), "watch packets"),
            self._spawn(self._measure_latency(track), "measure latency"),
        ]
        self._frames = TrackFrames(track, self._channels, self._put)

    def _unsubscribed(
        self,
        track: rtc.RemoteTrack,
        _publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        # Its stream still delivers what the jitter buffer holds.
        if track is self._track:
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

    def take(self, seat: Seat, frame: Frame) -> None:
        """Takes what the desk has made of the next frame, on the desk's thread."""
        watch, publication = self._packet_watch, self._publication
        missing = False
        if watch is not None and publication is not None:
            watch.look_at(frame.silent_frames)
            missing = watch.missing and not publication.muted
        if seat.lost > self._lost_frames:
            self._lost_frames = seat.lost
            self._path.recorder.expect_gap(OVERLOAD)
            if self._log_late.ready(time.monotonic()):
                logger.warning("Late", extra={"behind_ms": round(seat.late_s * 1e3), "frames_lost": seat.lost})
        self._path.pass_on(frame, missing=missing)

    async def _measure_latency(self, track: rtc.RemoteAudioTrack) -> None:
        self.latency.update(None)
        while True:
            await asyncio.sleep(MEASURE_LATENCY_EVERY_S)
            try:
                stats = await track.get_stats()
            except Exception:  # the SDK has no narrower class, and raises it for a track that is going, say
                logger.debug("A track gave no statistics", exc_info=True)
                continue
            self.latency.update(JitterBufferCount.from_stats(stats))
            if self.latency.published_ms:
                self._delay_changed(self.latency.published_ms)
