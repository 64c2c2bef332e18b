"""What the worker takes, refuses, and does not start with."""

import asyncio
import shutil
import subprocess
import sys
import time

import pytest

from agent.denoise.engine import MODEL_SHA256
from tests.integration.live.people import until
from tests.integration.live.sounds import longest_silence_s, moments, sweep
from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import ROOT, LivekitProcess


@pytest.mark.alone
async def test_one_broadcast_too_many_is_refused_and_harms_none(own_worker, new_broadcast):
    worker = own_worker(STILLAIR_CAPACITY="2")
    worker.start()
    taken = [await new_broadcast().open(strength_db=0) for _ in range(2)]
    listeners = []
    for broadcast in taken:
        await broadcast.speaker(sweep(2))
        listeners.append(await broadcast.listener())
    await until(lambda: all(listener.loud_since(0) for listener in listeners), 30, "both on air")
    await asyncio.sleep(2)
    start = time.monotonic()
    refused = await new_broadcast().open(strength_db=0)
    speaker = await refused.speaker(sweep(2))
    await asyncio.sleep(4)
    assert speaker.agent() == {}
    assert "all places are taken" in worker.log.read_text()
    assert worker.active_jobs() == 2
    for listener in listeners:
        assert longest_silence_s(moments(listener.newest.since(start))) <= 0.040
    await taken[0].end()
    await until(lambda: worker.active_jobs() == 1, 30, "a free place")
    await refused.dispatch()
    await until(lambda: speaker.agent().get("state") == "cleaning", 30, "a place for the one who was refused")


async def test_many_who_begin_together_all_get_a_place(own_worker, new_broadcast):
    worker = own_worker(STILLAIR_CAPACITY="4")
    worker.start()
    opened = [new_broadcast() for _ in range(5)]
    await asyncio.gather(*(broadcast.make_rooms() for broadcast in opened))
    await asyncio.gather(*(broadcast.dispatch() for broadcast in opened))
    speakers = [await broadcast.speaker(sweep(2)) for broadcast in opened]
    # A machine that other people use may be too slow for four at once: paused, each of them has its place all the same.
    placed = lambda: sum(speaker.agent().get("state") in ("cleaning", "paused") for speaker in speakers)  # noqa: E731
    await until(lambda: placed() == 4, 90, "four of five")
    assert worker.active_jobs() == 4


@pytest.mark.alone
async def test_five_who_start_at_once_harm_nobody_who_is_on_air(own_worker, new_broadcast):
    worker = own_worker(STILLAIR_WORKERS="1")
    worker.start()
    on_air = await new_broadcast().open(strength_db=0)
    first = await on_air.speaker(sweep(2))
    listener = await on_air.listener()
    await until(lambda: listener.loud_since(0) and first.agent().get("recording") == "on", 30, "on air")
    await asyncio.sleep(2)
    opened = [new_broadcast() for _ in range(5)]
    await asyncio.gather(*(broadcast.make_rooms() for broadcast in opened))
    await asyncio.gather(*(broadcast.dispatch() for broadcast in opened))
    speakers = [await broadcast.speaker(sweep(2)) for broadcast in opened]
    await until(lambda: all(speaker.agent().get("state") == "cleaning" for speaker in speakers), 30, "all six")
    [state] = worker.health()["workers"]
    assert state["desk"] == "well"
    await on_air.end()
    await until(lambda: worker.manifest(on_air.id).state == "closed", 20, "closed")
    assert worker.manifest(on_air.id).paused == ()
    assert worker.manifest(on_air.id).gaps == ()


async def test_a_full_place_may_be_taken_over_by_a_new_job_for_the_same_broadcast(own_worker, new_broadcast):
    worker = own_worker(STILLAIR_CAPACITY="1")
    worker.start()
    broadcast = await new_broadcast().open(strength_db=0)
    speaker = await broadcast.speaker(sweep(2))
    await until(lambda: speaker.agent().get("state") == "cleaning", 30, "on air")
    first = worker.job(broadcast.studio)
    await broadcast.dispatch()
    await until(lambda: worker.job(broadcast.studio) != first, 30, "the second job")


async def test_it_is_well_only_while_the_audio_server_can_send_broadcasts(tmp_path):
    audio_server = LivekitProcess(tmp_path)
    worker = WorkerProcess(audio_server.url, tmp_path, STILLAIR_CAPACITY="3")
    try:
        worker.spawn()
        await until(lambda: says(worker, status=503, registered=False, places=3, taken=0), 60, "a page")
        for _ in range(2):
            audio_server.start()
            await until(lambda: says(worker, status=200, registered=True, places=3, taken=0), 30, "well")
            audio_server.kill()
            await until(lambda: worker.health()["status"] == 503, 10, "not well")
    finally:
        worker.stop_if_running()
        audio_server.kill()


def test_a_damaged_model_is_named_with_its_hash_and_not_run(audio_server, tmp_path):
    for package in ("agent", "contract"):
        shutil.copytree(ROOT / package, tmp_path / "program" / package, ignore=shutil.ignore_patterns("__pycache__"))
    model = tmp_path / "program" / "agent" / "denoise" / "dfn2.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    worker = WorkerProcess(audio_server.url, tmp_path, program=tmp_path / "program")
    assert worker.spawn().wait(60) == 1
    said = worker.log.read_text()
    assert MODEL_SHA256 in said
    assert str(model) in said
    assert "Traceback" not in said
    assert "registered" not in said


BAD_SETTINGS = [("LIVEKIT_URL", "nowhere"), ("STILLAIR_CAPACITY", "none"), ("LIVEKIT_API_SECRET", "")]


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
def test_a_bad_setting_is_named_and_nothing_starts(audio_server, tmp_path, name, value):
    worker = WorkerProcess(audio_server.url, tmp_path, **{name: value})
    assert worker.spawn().wait(60) == 1
    said = worker.log.read_text()
    assert name in said
    assert "Traceback" not in said


def test_check_says_what_it_found():
    done = subprocess.run([sys.executable, "-m", "agent", "check"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert MODEL_SHA256[:16] in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()][:2] == ["ok", "ok"]


def says(worker: WorkerProcess, **parts) -> bool:
    return worker.health().items() >= parts.items()
