"""What fails, comes back: the job, the worker, the audio server, the broadcaster."""

import asyncio
import itertools
import os
import signal
import time
from functools import partial

import numpy as np
import pytest
import soundfile
from livekit import rtc

from contract.messages import AGENT_NAME, RPC_SET_STRENGTH
from tests.integration.live.people import FRAME, Speaker, broadcasts, tokens, until
from tests.integration.live.sounds import RATE, noise, sweep
from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess


async def on_air(broadcast):
    speaker = await broadcast.speaker(sweep(2))
    listener = await broadcast.listener()
    await until(lambda: listener.loud_since(0), 30, "sound")
    await until(lambda: speaker.agent().get("recording") == "on", 30, "a recording")
    await asyncio.sleep(2)
    return speaker, listener


async def recording_of(worker, broadcast):
    """Ends the broadcast and returns (manifest, samples) when the recording is closed."""
    await broadcast.end()
    await until(lambda: worker.manifest(broadcast.id).state == "closed", 30, "closed")
    return worker.manifest(broadcast.id), soundfile.read(worker.recordings / f"{broadcast.id}.flac", dtype="int16")[0]


def assert_one_recording_with_a_gap(worker, manifest, sound, cause, least_s=1):
    assert len(list(worker.recordings.glob("*.flac"))) == 1
    gap = max(manifest.gaps, key=lambda gap: gap.length)  # a machine that is busy with something else may add short ones
    assert gap.cause == cause
    assert gap.length > least_s
    assert not sound[round(gap.start * RATE) : round((gap.start + gap.length) * RATE)].any()
    for part in (sound[: round(gap.start * RATE)][-2 * RATE :], sound[round((gap.start + gap.length) * RATE) :][: 2 * RATE]):
        assert np.abs(part).max() > 3_000


class Faltering(Speaker):
    """Sends packets as they come, and none while it falters, as on a network that loses everything."""

    def __init__(self):
        super().__init__()
        self.sending = asyncio.Event()
        self.sending.set()

    async def speak(self, sound):
        source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        await self.room.local_participant.publish_track(
            track,
            rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=True),
        )
        self.tasks.add(asyncio.create_task(self._play(source, sound)))

    async def _play(self, source, sound):
        due = time.monotonic()
        for number in itertools.count():
            if not self.sending.is_set():
                await self.sending.wait()
                due = time.monotonic()
            at = number * FRAME % (len(sound) - FRAME)
            await source.capture_frame(rtc.AudioFrame(sound[at : at + FRAME].tobytes(), RATE, 1, FRAME))
            due += FRAME / RATE
            await asyncio.sleep(max(0, due - time.monotonic()))


async def test_a_network_that_delivers_nothing_for_a_while_is_a_gap_in_the_recording(worker_with, new_broadcast):
    worker = worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = Faltering(), await broadcast.listener()
    await speaker.join(broadcast.url, tokens.studio(broadcast.studio))
    await speaker.speak(sweep(2))
    await until(lambda: listener.loud_since(0), 30, "sound")
    await until(lambda: speaker.agent().get("recording") == "on", 30, "a recording")
    await asyncio.sleep(3)
    speaker.sending.clear()
    await asyncio.sleep(5)
    speaker.sending.set()
    again = time.monotonic()
    await until(lambda: listener.newest.loud_at() > again + 3, 30, "sound again")
    manifest, sound = await recording_of(worker, broadcast)
    await speaker.leave()
    gap = max(manifest.gaps, key=lambda gap: gap.length)
    assert gap.cause == "connection"
    assert 2.5 < gap.length < 6
    assert not sound[round(gap.start * RATE) : round((gap.start + gap.length) * RATE)].any()
    assert np.abs(sound[round((gap.start + gap.length) * RATE) :][: 2 * RATE]).max() > 3_000
    assert len(sound) / RATE > 10  # the time that is missing counts


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
async def test_a_worker_that_ends_is_replaced_by_another_and_the_same_recording_goes_on(worker_with, new_broadcast, end):
    worker = worker_with(STILLAIR_WORKERS="2")
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast)
    first = worker.worker_of(broadcast.studio)
    os.kill(first, end)
    ended = time.monotonic()
    await until(lambda: worker.worker_of(broadcast.studio) != first, 10, "another worker, asked by nobody")
    await until(lambda: listener.newest.loud_at() > ended + 1, 10, "sound from it")
    await asyncio.sleep(2)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]
    assert speaker.agent()["state"] == "cleaning"
    manifest, sound = await recording_of(worker, broadcast)
    assert_one_recording_with_a_gap(worker, manifest, sound, "noise remover restarted", least_s=0)
    await until(worker.is_ready, 60, "the next worker in the place of the first")


async def test_a_second_job_replaces_a_living_one(worker_with, new_broadcast):
    """The reconciler may be wrong about a job. Then there are two jobs for a moment, and afterwards one, with one recording."""
    worker = worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast)
    first = worker.job(broadcast.studio)
    await broadcast.dispatch()
    await until(lambda: worker.job(broadcast.studio) != first, 10, "a second job")
    replaced = time.monotonic()
    await until(lambda: listener.newest.loud_at() > replaced + 0.5, 10, "sound")
    await asyncio.sleep(3)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]
    assert worker.active_jobs() == 1
    assert speaker.agent()["recording"] == "on"
    manifest, _ = await recording_of(worker, broadcast)
    assert sum(gap.cause == "noise remover restarted" for gap in manifest.gaps) <= 1
    assert sum(gap.length for gap in manifest.gaps) < 3


async def test_a_broadcast_that_moves_to_another_studio_keeps_its_recording(worker_with, new_broadcast):
    worker = worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    _, listener = await on_air(broadcast)
    await broadcast.move_studio()
    moved = time.monotonic()
    await broadcast.speaker(sweep(2))
    await until(lambda: listener.newest.loud_at() > moved + 1.5, 10, "sound after the move")
    await asyncio.sleep(2)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]
    manifest, _ = await recording_of(worker, broadcast)
    assert len(list(worker.recordings.glob("*.flac"))) == 1
    assert sum(gap.length for gap in manifest.gaps) < 5


async def test_a_stopped_worker_leaves_a_recording_that_the_next_one_goes_on_with(worker_with, new_broadcast):
    worker = worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    _, listener = await on_air(broadcast)
    took = await asyncio.to_thread(worker.stop)
    assert took < 8
    assert worker.manifest(broadcast.id).state == "live"
    await asyncio.to_thread(worker.start)
    await broadcast.dispatch()
    again = time.monotonic()
    await until(lambda: listener.tracks and listener.newest.loud_at() > again, 10, "sound")
    await asyncio.sleep(2)
    manifest, sound = await recording_of(worker, broadcast)
    assert_one_recording_with_a_gap(worker, manifest, sound, "noise remover restarted")


async def test_a_broadcaster_who_comes_back_is_heard_again(worker_with, new_broadcast):
    worker = worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast)
    await speaker.leave()
    away = time.monotonic()
    await asyncio.sleep(2)
    assert not listener.loud_since(away + 1)
    await broadcast.speaker(sweep(2))
    await until(lambda: listener.loud_since(away + 1), 5, "sound")
    await asyncio.sleep(2)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]
    manifest, sound = await recording_of(worker, broadcast)
    assert_one_recording_with_a_gap(worker, manifest, sound, "connection")


async def test_a_microphone_that_is_changed_is_heard_on_the_same_track(worker_with, new_broadcast):
    worker_with()
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast)
    microphone = next(iter(speaker.room.local_participant.track_publications))
    await speaker.room.local_participant.unpublish_track(microphone)
    await speaker.speak(noise(2, -20))
    changed = time.monotonic()
    await until(lambda: listener.loud_since(changed + 0.5), 5, "sound")
    assert len(listener.tracks) == 1


async def test_a_second_tab_of_the_broadcaster_takes_over(worker_with, new_broadcast):
    """The first connection is evicted: it may belong to a page that crashed and is visible for another 20 s."""
    worker = worker_with(STILLAIR_GRACE_S="1")
    broadcast = await new_broadcast().open(strength_db=0)
    _, listener = await on_air(broadcast)
    second = await broadcast.speaker(sweep(2))
    taken_over = time.monotonic()
    await until(lambda: listener.loud_since(taken_over + 1), 10, "sound")
    assert (await second.call(RPC_SET_STRENGTH, strength_db=1)) == {"strength_db": 1}
    await asyncio.sleep(17)  # longer than a broadcaster may stay away here
    assert listener.loud_since(time.monotonic() - 0.5)
    assert worker.active_jobs() == 1


async def test_a_job_ends_when_the_broadcaster_stays_away(worker_with, new_broadcast):
    worker = worker_with(STILLAIR_GRACE_S="1")
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, _ = await on_air(broadcast)
    await speaker.leave()
    await until(lambda: worker.active_jobs() == 0, 25, "the end of the job")
    assert worker.manifest(broadcast.id).state == "closed"


async def test_everybody_comes_back_after_the_audio_server_was_killed(tmp_path):
    audio_server = LivekitProcess(tmp_path)
    audio_server.start()
    worker = WorkerProcess(audio_server.url, tmp_path, STILLAIR_CAPACITY="2")
    try:
        worker.start()
        async with broadcasts(audio_server.url) as make:
            broadcast = await make().open(strength_db=0)
            speaker, listener = await on_air(broadcast)
            audio_server.kill()
            killed = time.monotonic()
            await asyncio.to_thread(audio_server.start)
            await broadcast.make_rooms()
            await until(partial(loud_after, listener, killed + 1), 20, "sound")
            assert time.monotonic() - killed < 20
            await asyncio.sleep(2)
            assert await broadcast.published() == [(AGENT_NAME, "clean")]
            await until(lambda: speaker.agent().get("state") == "cleaning", 5, "attributes after the restart")
            await broadcast.end()
            await until(lambda: worker.manifest(broadcast.id).state == "closed", 30, "closed")
            assert len(list(worker.recordings.glob("*.flac"))) == 1
    finally:
        worker.stop_if_running()
        audio_server.kill()


def loud_after(listener, at):
    return listener.loud_since(at)
