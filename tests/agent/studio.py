"""A broadcast that is recorded in a test: its clock, its disk that misbehaves on demand, and a writer to be killed."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.recorder import FlacRecorder
from contract.recording import RecordingManifest
from tests.agent.judges import RATE, speech_like

STREAM_ID = "5" * 32  # as in recording_writer.py
BLOCK = 480


class Clock:
    """Boot time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk(DiskFile):
    """A real file on a disk that misbehaves on demand."""

    trouble: Callable[[], None] = staticmethod(lambda: None)
    longest_write = 1 << 30

    def _write_some(self, data: memoryview, offset: int) -> int:
        type(self).trouble()
        return super()._write_some(data[: self.longest_write], offset)

    def sync(self) -> None:
        type(self).trouble()
        super().sync()


class Folder(RecordingFolder):
    def __init__(self, path: Path, kind: type[Disk]) -> None:
        super().__init__(path)
        self.kind = kind

    def open_audio(self, stream_id: str, *, create: bool = False) -> DiskFile:
        file = super().open_audio(stream_id, create=create)
        disk = self.kind(os.dup(file._descriptor))  # the lock belongs to both
        file.close()
        return disk


class Studio:
    """A broadcast that is recorded by one recorder after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.states: queue.Queue[str] = queue.Queue()
        self.disk = type("DiskOfThisTest", (Disk,), {})
        self.audio = folder / f"{STREAM_ID}.flac"

    def recorder(
        self,
        *,
        title: str = "A walk",
        clock: Callable[[], float] | None = None,
        limit: int | None = None,
        channels: int = 1,
    ) -> FlacRecorder:
        recorder = FlacRecorder(
            self.folder,
            stream_id=STREAM_ID,
            owner="alice",
            title=title,
            started_at="2026-01-02T03:04:05Z",
            on_state=self.states.put,
            storage=Folder(self.folder, self.disk),
            clock=clock or self.clock,
            channels=channels,
        )
        recorder.limit(limit)
        recorder.start()
        return recorder

    def say(self, recorder: FlacRecorder, sound: np.ndarray) -> None:
        """Sound in 10 ms blocks, each at its time."""
        for at in range(0, len(sound), BLOCK):
            self.clock.now += len(sound[at : at + BLOCK]) / RATE
            recorder.write(sound[at : at + BLOCK])

    def state(self) -> str:
        return self.states.get(timeout=10)

    @property
    def manifest(self) -> RecordingManifest:
        return RecordingManifest.from_json((self.folder / f"{STREAM_ID}.json").read_text())


SOUND = speech_like(8)
WHOLE = 10 * 4608  # whole frames: an unfinished recording gets no silence at its end


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Writer:
    """A process that runs recording_writer.py."""

    def __init__(self, folder: Path, seed: int, *limit: str) -> None:
        script = Path(__file__).with_name("recording_writer.py")
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(folder), str(seed), *limit],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert self.process.stdout is not None
        self.lines = (line.decode().split() for line in self.process.stdout)
        self.handed = 0

    def read(self) -> Iterator[tuple[str, str]]:
        for kind, value in self.lines:
            if kind == "wrote":
                self.handed = int(value)
            yield kind, value

    def until(self, kind: str, value: str = "") -> None:
        for line in self.read():
            if line == (kind, value or line[1]):
                return
        pytest.fail(f"the writer ended before it said {kind} {value}")

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def kill(self) -> int:
        """Samples that it had handed to the recorder."""
        self.process.send_signal(signal.SIGKILL)
        for _ in self.read():
            pass
        self.process.wait()
        return self.handed
