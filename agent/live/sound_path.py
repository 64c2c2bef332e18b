"""The one way that a frame takes: from the microphone through the noise remover to the recording, the stage and the
broadcaster's comparison."""

from __future__ import annotations

import logging

from agent.live.original_track import OriginalTrack
from agent.live.rtc_frames import silent_frame
from agent.live.stage import Stage
from agent.live.status import StatusPublisher
from agent.recording.recorder import FlacRecorder
from agent.recording.timeline import CAUSE_CONNECTION
from agent.voice.clean_voice import CleanVoice
from agent.voice.frames import Int16
from agent.voice.pass_through import PassThrough
from contract.messages import ATTRIBUTE_DELAY, ATTRIBUTE_STAGE, ATTRIBUTE_STATE, Quality

logger = logging.getLogger(__name__)

Voice = CleanVoice | PassThrough


class SoundPath:
    """Passes each frame of one broadcast on, at once and in order. Belongs to the event loop."""

    def __init__(
        self,
        voice: Voice,
        recorder: FlacRecorder,
        stage: Stage,
        original_track: OriginalTrack,
        status: StatusPublisher,
        quality: Quality,
    ) -> None:
        self.voice = voice
        self.recorder = recorder
        self.frames = 0  # passed on so far
        self.is_recording = False
        self._stage = stage
        self._original_track = original_track
        self._status = status
        self._usual_state = "cleaning" if quality.is_cleaned else "music"
        self._heard = silent_frame(quality.channels)  # the present frame as friends and the recording get it
        self._missing = False
        self._paused: str | None = None

    async def pass_on(self, samples: Int16, *, missing: bool) -> None:
        """Takes the next frame. `missing`: nothing arrives, and the SDK has made this frame up."""
        # On the event loop and not in a thread: the way there and back is one more wake-up (0.05 to 0.2 ms of CPU, and 2 ms of
        # delay at the median on a busy machine), and nothing else on this loop is in a hurry.
        original = self.voice.process(samples, self._heard)
        if missing != self._missing:
            self._missing = missing
            self.recorder.expect_gap(CAUSE_CONNECTION)
            logger.info("No sound arrives" if missing else "Sound arrives again")
        if self.is_recording and not missing:
            self.recorder.write(self._heard)  # what is left out becomes silence with an entry that says why
        self._follow_pause(self.voice.paused)
        room = await self._stage.send(self._heard)
        self._status.set(ATTRIBUTE_STAGE, room)
        if room:
            state = "silenced" if self.voice.silenced else "paused" if self._paused else self._usual_state
            self._status.set(ATTRIBUTE_STATE, state)
            self._stage.show(state, self._status.get(ATTRIBUTE_DELAY))
        await self._original_track.send(original)
        self.frames += 1
        self._status.count_frame()

    def _follow_pause(self, cause: str | None) -> None:
        """Notes in the recording when noise removal pauses, and when it goes on."""
        if cause == self._paused:
            return
        if self._paused is not None:
            self.recorder.pause_ended()
        if cause is not None:
            self.recorder.pause_began(cause)
        logger.info("Noise removal paused" if cause else "Noise removal goes on", extra={"cause": cause or self._paused})
        self._paused = cause
