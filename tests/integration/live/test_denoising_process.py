"""The one denoising process under real broadcasts: used, killed, and back."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from agent.voice.clean_voice import FAILURE
from tests.integration.live.people import until
from tests.integration.live.sounds import moments, progress, sweep


def denoising_process(job):
    """Returns the process id of the denoising process that this job's worker runs, or None."""
    for child in psutil.Process(job).parent().parent().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since it was listed
            if "agent.denoise_service.server" in child.cmdline():
                return child.pid
    return None


def has_a_slot(job):
    return "stillair-denoise" in Path(f"/proc/{job}/maps").read_text()


@pytest.mark.alone
async def test_a_killed_denoising_process_is_heard_by_nobody_and_comes_back(own_worker, new_broadcast):
    worker = own_worker()
    worker.start()
    broadcasts = [await new_broadcast().open(strength_db=0) for _ in range(2)]
    listeners = []
    for broadcast in broadcasts:
        await broadcast.speaker(sweep(2))
        listeners.append(await broadcast.listener())
    await until(lambda: all(listener.loud_since(0) for listener in listeners), 20, "both on air")
    jobs = [worker.job(broadcast.studio) for broadcast in broadcasts]
    for _ in range(2):
        await until(lambda: all(map(has_a_slot, jobs)), 60, "a slot for each job")
        await asyncio.sleep(1)
        killed = denoising_process(jobs[0])
        os.kill(killed, signal.SIGKILL)
        killed_at = time.monotonic()
        await until(lambda killed=killed: denoising_process(jobs[0]) not in (None, killed), 60, "the next process")
        for listener in listeners:
            await until(lambda at=killed_at, to=listener: to.loud_since(at + 1), 10, "sound after the kill")
    assert [worker.job(broadcast.studio) for broadcast in broadcasts] == jobs
    for broadcast in broadcasts:
        await broadcast.end()
        await until(lambda broadcast=broadcast: worker.manifest(broadcast.id).state == "closed", 20, "closed")
        manifest = worker.manifest(broadcast.id)
        # A busy machine may lose frames on their way to the job, and that is told as "connection". Nothing else may happen.
        assert {gap.cause for gap in manifest.gaps} <= {"connection"}
        assert FAILURE not in {span.cause for span in manifest.paused}
        assert np.abs(progress(moments(recorded(worker, broadcast, manifest.gaps)))).max() <= 0.040


def recorded(worker, broadcast, gaps):
    """Reads the recorded sound without its first second and without half a second around each gap."""
    sound, rate = soundfile.read(worker.recordings / f"{broadcast.id}.flac", dtype="int16")
    sound[:rate] = 0
    for gap in gaps:
        sound[max(0, int((gap.start - 0.5) * rate)) : int((gap.start + gap.length + 0.5) * rate)] = 0
    return sound
