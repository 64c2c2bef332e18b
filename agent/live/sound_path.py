"""The one way that a frame takes from the desk: to the recording, the stage and the broadcaster's comparison."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.desk.seat import Frame
from agent.live.original_track import OriginalTrack
from agent.live.stage import Stage
from agent.recording.recorder import FlacRecorder
from agent.recording.timeline import CAUSE_CONNECTION
from contract.messages import Quality

logger = logging.getLogger(__name__)


class SoundPath:
    """Passes each frame of one broadcast on, at once and in order, on the desk's thread."""

    def __init__(
        self,
        recorder: FlacRecorder,
        stage: Stage,
        original_track: OriginalTrack,
        show: Callable[[str, str], None],
        quality: Quality,
    ) -> None:
        """`show` is called, on the desk's thread, with the room that hears the voice ("" for none) and the state of the voice,
        whenever one of them has changed."""
        self.recorder = recorder
        self.frames = 0  # passed on so far
        self.is_recording = False
        self._stage = stage
        self._original_track = original_track
        self._show = show
        self._usual_state = "cleaning" if quality.is_cleaned else "music"
        self._shown = ("", "")
        self._missing = False
        self._paused: str | None = None

    def pass_on(self, frame: Frame, *, missing: bool) -> None:
        """Takes the next frame. `missing`: nothing arrives, and the SDK has made this frame up."""
        if missing != self._missing:
            self._missing = missing
            self.recorder.expect_gap(CAUSE_CONNECTION)
            logger.info("No sound arrives" if missing else "Sound arrives again")
        if self.is_recording and not missing:
            self.recorder.write(frame.heard)  # what is left out becomes silence with an entry that says why
        self._follow_pause(frame.paused)
        room = self._stage.send(frame.heard)
        state = "silenced" if frame.silenced else "paused" if frame.paused else self._usual_state
        if (room, state) != self._shown:
            self._shown = (room, state)
            self._show(room, state)
        self._original_track.send(frame.original)
        self.frames += 1

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
