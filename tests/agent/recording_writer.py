"""Another process that records, to be killed: `python recording_writer.py FOLDER SEED [FILE_SIZE_LIMIT]`.

Records `speech_like(seed)` in 10 ms blocks at the speed of real sound, and prints after each block how many samples it
has handed over. With a limit the process may write no file longer than that (RLIMIT_FSIZE: as on a full disk) until it
reads a line. Prints the recorder's states, too.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from pathlib import Path

from agent.recording.recorder import FlacRecorder
from tests.agent.judges import speech_like

STREAM_ID = "5" * 32
BLOCK = 480


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


done = threading.Event()


def wait_for_room() -> None:
    sys.stdin.readline()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    sys.stdin.readline()
    done.set()


def main(folder: str, seed: str, limit: str = "") -> None:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        threading.Thread(target=wait_for_room, daemon=True).start()
    recorder = FlacRecorder(
        Path(folder),
        stream_id=STREAM_ID,
        owner="alice",
        title="A walk",
        started_at="2026-01-02T03:04:05Z",
        on_state=lambda state: say(f"state {state}"),
    )
    sound = speech_like(30, int(seed))
    recorder.start()
    begin = time.monotonic()
    for at in range(0, len(sound), BLOCK):
        recorder.write(sound[at : at + BLOCK])
        say(f"wrote {at + BLOCK}")
        if done.wait(max(0.0, begin + (at + BLOCK) / 48_000 - time.monotonic())):
            break
    recorder.close(finished=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
