"""The clean track's way to the listeners: a connection of its own to the stage, which follows when the stage is moved.

The studio is joined as an agent, but an agent does not keep a room alive, so here the job is an ordinary participant, with a
token that it mints itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta

from livekit import api, rtc
from livekit.rtc._proto.room_pb2 import AudioEncoding  # part of TrackPublishOptions, but not exported with it
from livekit.rtc.participant import PublishTrackError

from agent.desk.lateness import Cooldown
from agent.live.frame_sender import FrameSender
from agent.live.stereo_workaround import StereoRelay
from agent.voice.frames import Int16
from contract.messages import AGENT_NAME, ATTRIBUTE_DELAY, ATTRIBUTE_STATE, Quality

logger = logging.getLogger(__name__)

CLEAN_TRACK = "clean"
PUBLISH_TIMEOUT_S = 10.0
STATE_TIMEOUT_S = 5.0
RETRY_S = 0.5
LOG_AGAIN_S = 30.0


def publish_options(source: rtc.TrackSource.ValueType, quality: Quality) -> rtc.TrackPublishOptions:
    """Returns the options for a track of this quality. Without DTX, which cuts into quiet passages."""
    encoding = AudioEncoding(max_bitrate=quality.bit_rate)
    return rtc.TrackPublishOptions(source=source, dtx=False, red=quality.is_sent_twice, audio_encoding=encoding)


def stage_token(key: str, secret: str, room: str) -> str:
    """Mints a token that allows joining this one room, publishing a microphone track there and setting one's own attributes."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_subscribe=False,
        can_publish_data=False,
        can_update_own_metadata=True,
    )
    token = api.AccessToken(key, secret).with_identity(AGENT_NAME).with_name(AGENT_NAME)
    return token.with_grants(grants).with_ttl(timedelta(minutes=10)).to_jwt()


class StageTrack:
    """Carries the clean track in one stage room: connected, published, and at some time lost or closed."""

    def __init__(self, room_name: str, quality: Quality, on_lost: Callable[[], None]) -> None:
        self.room_name = room_name
        self.lost = False
        self.shown: dict[str, str] = {}  # the attributes that listeners see
        self._quality = quality
        self._on_lost = on_lost
        self._room = rtc.Room()
        self._sender = FrameSender(quality.channels)
        self._relay: StereoRelay | None = None

    async def open(self, url: str, token: str) -> None:
        """Raises rtc.ConnectError, PublishTrackError or TimeoutError; then there is nothing to close."""
        track = rtc.LocalAudioTrack.create_audio_track(CLEAN_TRACK, self._sender.source)
        options = publish_options(rtc.TrackSource.SOURCE_MICROPHONE, self._quality)
        try:
            if self._quality.channels == 2:
                self._relay = StereoRelay(url)
                url = await self._relay.open()
            # Without a time-out of ours: it gives up by itself, and one that is cancelled half-way makes the SDK (livekit
            # 1.1.21) end the whole process a minute later.
            await self._room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
            self._room.on("disconnected", self._disconnected)
            # A room that is lost while a track is being published would never answer.
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await self._room.local_participant.publish_track(track, options)
        except BaseException:
            await self.aclose()
            raise

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.lost = True
        self._on_lost()

    def send(self, samples: Int16) -> None:
        self._sender.send(samples)

    async def show(self, attributes: dict[str, str]) -> None:
        """Sets the attributes that listeners see. Raises TimeoutError when the audio server does not take them."""
        async with asyncio.timeout(STATE_TIMEOUT_S):
            await self._room.local_participant.set_attributes(attributes)
        self.shown = attributes

    async def aclose(self) -> None:
        self._room.off("disconnected", self._disconnected)
        await self._room.disconnect()
        await self._sender.aclose()
        if self._relay is not None:
            await self._relay.aclose()


class Stage:
    """Keeps the clean track in the room that `move` names: joins it, joins again when it is lost, and changes rooms
    without a gap, for the new one is joined before the old one is left."""

    def __init__(self, url: str, quality: Quality, mint_token: Callable[[str], str]) -> None:
        self._url = url
        self._quality = quality
        self._mint_token = mint_token
        self._wanted = ""
        self._attributes: dict[str, str] = {}
        self._track: StageTrack | None = None
        self._changed = asyncio.Event()
        self._cooldown = Cooldown(LOG_AGAIN_S)

    def move(self, room_name: str) -> None:
        """Moves the track to this room. Returns at once; `run` does it."""
        if room_name != self._wanted:
            self._wanted = room_name
            self._changed.set()

    def show(self, state: str, delay_ms: str) -> None:
        """Shows state and delay to the listeners, in every room that the track moves to. Returns at once; `run` does it."""
        attributes = {ATTRIBUTE_STATE: state, ATTRIBUTE_DELAY: delay_ms}
        if attributes != self._attributes:
            self._attributes = attributes
            self._changed.set()

    def stop_joining(self) -> None:
        """Makes `run` join nothing any more: the stream is ending, and a stage that is gone is gone for good."""
        self.move("")

    async def run(self) -> None:
        """Does what `move` and `show` ask for. Never returns; leaves the room when it is cancelled."""
        try:
            while True:
                self._changed.clear()
                if self._is_settled():
                    await self._show_state()
                    await self._changed.wait()
                elif not await self._join(self._wanted):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), RETRY_S)
        finally:
            track, self._track = self._track, None
            if track is not None:
                await track.aclose()

    def _is_settled(self) -> bool:
        if not self._wanted:
            return True
        return self._track is not None and not self._track.lost and self._track.room_name == self._wanted

    async def _show_state(self) -> None:
        if self._track is None or self._track.shown == self._attributes:
            return
        try:
            await self._track.show(self._attributes)
        except TimeoutError:
            logger.warning("Listeners could not be shown the state", extra=self._attributes)

    def _lost(self) -> None:
        # Not at once: when a stream ends both rooms go, and the job may hear of this one first.
        asyncio.get_running_loop().call_later(RETRY_S, self._changed.set)

    async def _join(self, room_name: str) -> bool:
        new = StageTrack(room_name, self._quality, self._lost)
        try:
            await new.open(self._url, self._mint_token(room_name))
        except (rtc.ConnectError, PublishTrackError, TimeoutError) as error:
            if self._cooldown.ready(asyncio.get_running_loop().time()):
                logger.warning("The stage cannot be joined", extra={"error": str(error)})
            return False
        old, self._track = self._track, new
        if old is not None:
            await old.aclose()
        return True

    def send(self, samples: Int16) -> str:
        """Sends one frame; called on the desk's thread. Returns the room that got it, "" while there is none."""
        track = self._track
        if track is None or track.lost:
            return ""
        track.send(samples)
        return track.room_name
