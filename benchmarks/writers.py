"""The candidates of benchmarks/recorder.py: our recorder and its peers, each taking blocks of 10 ms."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from agent.recording.files import RecordingFolder
from agent.recording.recorder import FlacRecorder

RATE = 48_000
BLOCK = 480
Sound = NDArray[Any]


class Ours:
    name = "Stillair"

    def __init__(self, path: Path) -> None:
        self._recorder = FlacRecorder(
            path.parent,
            stream_id=path.stem,
            owner="bench",
            title="",
            on_state=lambda state: None,
            storage=RecordingFolder(path.parent, low_water_bytes=0),
        )
        self._recorder.start()

    def write(self, samples: Sound) -> None:
        self._recorder.write(samples)

    def close(self) -> None:
        self._recorder.close(finished=True)


class Libsndfile:
    name = "soundfile, flush each second"

    def __init__(self, path: Path) -> None:
        self._file = soundfile.SoundFile(str(path), "w", RATE, 1, "PCM_16", format="FLAC")
        self._flushed = time.monotonic()

    def write(self, samples: Sound) -> None:
        self._file.write(samples)
        if time.monotonic() - self._flushed > 1:
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        self._file.close()


class Muxer:
    name = "PyAV muxer, flush each packet"

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w", format="flac", options={"flush_packets": "1"})
        self._stream = self._container.add_stream("flac", rate=RATE, layout="mono", format="s16")

    def write(self, samples: Sound) -> None:
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


Writer = type[Ours] | type[Libsndfile] | type[Muxer]
WRITERS: tuple[Writer, ...] = (Ours, Libsndfile, Muxer)


def play_into(writer: Ours | Libsndfile | Muxer, sound: Sound, told: Callable[[int], None] = lambda samples: None) -> None:
    """At the speed of real sound, in blocks of 10 ms."""
    begin = time.monotonic()
    for at in range(0, len(sound) - BLOCK + 1, BLOCK):
        time.sleep(max(0.0, begin + at / RATE - time.monotonic()))
        writer.write(sound[at : at + BLOCK])
        told(at + BLOCK)
