"""Plays this machine's microphone, cleaned, on its headphones: `./stillair agent console`."""

from __future__ import annotations

import threading
from typing import Any

from rich.live import Live
from rich.text import Text

from agent.denoise import Denoiser
from agent.voice.frames import FRAME, FRAME_S, Int16
from agent.voice.one_voice import OneVoice
from contract.recording import SAMPLE_RATE

REFRESH_S = 0.1
_BAR = 40
_QUIETEST_DB = -60.0


class NoDevice(Exception):
    """There is nothing to hear with, or to be heard on. The message is for a person."""


class Loop:
    """What the sound card calls for every 10 ms."""

    def __init__(self, denoiser: Denoiser, *, strength_db: float) -> None:
        self.voice = OneVoice(denoiser, strength_db=strength_db)
        self.late = 0  # times that the card did not get its sound in time

    def __call__(self, heard: Int16, played: Int16, _frames: int, _time: Any, status: Any) -> None:
        """[480, 1] each, on the sound card's thread."""
        if status:
            self.late += 1
        played[:, 0], _ = self.voice.process(heard[:, 0])

    def meter(self) -> Text:
        level_db, removed_db = self.voice.read_meters()
        filled = round(_BAR * min(1.0, max(0.0, 1 - level_db / _QUIETEST_DB)))
        late = f"   {self.late} times late" if self.late else ""
        return Text(f"{'#' * filled:<{_BAR}} {level_db:6.1f} dBFS   noise removed {removed_db:4.1f} dB{late}")


def run(denoiser: Denoiser, *, strength_db: float, stop: threading.Event) -> None:
    """Until `stop`. Raises NoDevice."""
    try:
        import sounddevice
    except OSError as error:  # it is installed always, and the library under it comes with the system
        raise NoDevice(f"This machine has no way to its sound card: {error}. Install PortAudio (libportaudio2).") from error
    loop = Loop(denoiser, strength_db=strength_db)
    try:
        stream = sounddevice.Stream(
            samplerate=SAMPLE_RATE,
            blocksize=FRAME,
            channels=1,
            dtype="int16",
            latency="low",
            callback=loop,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        words = "There is no microphone or no loudspeaker here that can do 48 kHz"
        raise NoDevice(f"{words}: {error}. Plug one in and try again.") from error
    latency_ms = 1e3 * (sum(stream.latency) + loop.voice.latency_samples / SAMPLE_RATE - FRAME_S)
    with stream, Live(loop.meter(), refresh_per_second=1 / REFRESH_S) as live:
        live.console.print(f"You hear yourself {latency_ms:.0f} ms late. Use headphones. Ctrl-C ends it.")
        while not stop.wait(REFRESH_S):
            live.update(loop.meter())
