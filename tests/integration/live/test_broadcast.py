"""One broadcast from the microphone to the listener and into the recording."""

import asyncio
import json
import time

import numpy as np
import pytest
import soundfile
from livekit import api, rtc

from contract.messages import AGENT_NAME, BROADCASTER, RPC_SET_BYPASS, RPC_SET_MONITOR, RPC_SET_STRENGTH, stage_room
from tests.integration.live.people import OWNER, until
from tests.integration.live.sounds import RATE, level_db, moments, noise, speech, sweep

SETTLED_S = 2.0


async def closed_manifest(worker, broadcast):
    await until(lambda: (manifest := worker.manifest(broadcast.id)) and manifest.state == "closed", 30, "closed")
    return worker.manifest(broadcast.id)


async def heard_level(listener, seconds=1.0):
    """Returns the level of the next second, after what is already on its way has passed."""
    await asyncio.sleep(0.5)
    start = time.monotonic()
    await asyncio.sleep(seconds)
    return level_db(listener.newest.since(start))


async def on_air(broadcast, sound):
    """Returns (speaker, listener) when sound arrives."""
    speaker = await broadcast.speaker(sound)
    listener = await broadcast.listener()
    await until(lambda: speaker.agent().get("state") == "cleaning", 30, "cleaning")
    await until(lambda: listener.tracks and listener.newest.frames, 30, "a track")
    return speaker, listener


async def test_noise_in_the_pauses_is_lowered_and_the_voice_is_kept(worker, new_broadcast):
    voice = speech()
    mixed = (voice + noise(len(voice) / RATE, -45)[: len(voice)].astype(np.int32)).clip(-32768, 32767).astype(np.int16)
    broadcast = await new_broadcast().open()
    speaker, listener = await on_air(broadcast, mixed)
    start = time.monotonic()
    await asyncio.sleep(2 * len(mixed) / RATE)
    heard = listener.newest.since(start)
    levels = np.array([level_db(part) for part in heard[: len(heard) // 4800 * 4800].reshape(-1, 4800)])
    sent = np.array([level_db(part) for part in mixed[: len(mixed) // 4800 * 4800].reshape(-1, 4800)])
    assert np.percentile(sent, 10) - np.percentile(levels, 10) >= 15  # a tenth of the time nobody speaks, and more
    assert abs(np.percentile(sent, 95) - np.percentile(levels, 95)) < 3
    await until(lambda: speaker.meter and speaker.meter[-1]["removed_db"] >= 15, 5, "the meter says so too")


async def test_attributes_tell_what_goes_on(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=24)
    speaker, _ = await on_air(broadcast, noise(3))
    await until(lambda: speaker.agent().get("recording") == "on", 5)
    said = speaker.agent()
    assert (said["state"], said["strength_db"], said["stage"]) == ("cleaning", "24", broadcast.metadata.stage)
    took = await until(lambda: speaker.agent()["beat"] != said["beat"], 3, "a heartbeat")
    assert took < 3


async def test_meter_comes_ten_times_a_second_and_only_to_the_broadcaster(worker, new_broadcast):
    broadcast = await new_broadcast().open()
    speaker, _ = await on_air(broadcast, noise(3, -35))
    other = await broadcast.speaker(identity="charlie")
    await asyncio.sleep(1)
    count = len(speaker.meter)
    await asyncio.sleep(2)
    assert 16 <= len(speaker.meter) - count <= 24
    assert speaker.meter[-1]["level_db"] == pytest.approx(-35, abs=3)
    assert other.meter == []


async def test_strength_is_set_while_it_runs(worker, new_broadcast):
    broadcast = await new_broadcast().open()
    speaker, listener = await on_air(broadcast, noise(3, -35))
    await asyncio.sleep(SETTLED_S)
    full = await heard_level(listener)
    assert await speaker.call(RPC_SET_STRENGTH, strength_db=12) == {"strength_db": 12}
    gentle = await heard_level(listener)
    assert speaker.agent()["strength_db"] == "12"
    await speaker.call(RPC_SET_STRENGTH, strength_db=0)
    original = await heard_level(listener)
    assert original == pytest.approx(-37, abs=3)  # Opus takes some of a noise each time
    assert original - gentle == pytest.approx(12, abs=2)
    assert full < original - 20


@pytest.mark.parametrize(
    ("method", "payload"),
    [
        (RPC_SET_STRENGTH, {"strength_db": 101}),
        (RPC_SET_STRENGTH, {"strength_db": -1}),
        (RPC_SET_STRENGTH, {"strength_db": "12"}),
        (RPC_SET_STRENGTH, {"strength_db": True}),
        (RPC_SET_STRENGTH, {"strength_db": float("nan")}),
        (RPC_SET_STRENGTH, {}),
        (RPC_SET_BYPASS, {"bypass": 1}),
        (RPC_SET_MONITOR, {"original": "yes"}),
        (RPC_SET_STRENGTH, []),
        (RPC_SET_STRENGTH, "{"),
    ],
)
async def test_an_unusable_request_is_refused_and_changes_nothing(worker, new_broadcast, method, payload):
    broadcast = await new_broadcast().open(strength_db=24)
    speaker, _ = await on_air(broadcast, noise(3))
    with pytest.raises(rtc.RpcError) as refusal:
        await speaker.room.local_participant.perform_rpc(
            destination_identity=AGENT_NAME,
            method=method,
            payload=payload if payload == "{" else json.dumps(payload),
        )
    assert refusal.value.code == 400
    assert (speaker.agent()["strength_db"], speaker.agent()["state"]) == ("24", "cleaning")


async def test_only_the_broadcaster_may_command(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=24)
    speaker, _ = await on_air(broadcast, noise(3))
    other = await broadcast.speaker(identity="charlie")
    commands = {RPC_SET_STRENGTH: {"strength_db": 0}, RPC_SET_BYPASS: {"bypass": True}, RPC_SET_MONITOR: {"original": True}}
    for method, request in commands.items():
        with pytest.raises(rtc.RpcError) as refusal:
            await other.call(method, **request)
        assert refusal.value.code == 403
    assert speaker.agent()["strength_db"] == "24"
    assert await broadcast.published(broadcast.studio) == [(BROADCASTER, "microphone")]


async def test_somebody_else_in_the_studio_is_not_heard(worker, new_broadcast):
    """Nobody but the broadcaster gets a studio token. Should that ever break, friends still hear only the broadcaster."""
    broadcast = await new_broadcast().open(strength_db=0)
    await broadcast.speaker(sweep(2), identity="charlie")
    _, listener = await on_air(broadcast, noise(3, -60))
    await asyncio.sleep(SETTLED_S)
    assert await heard_level(listener) < -50


async def test_original_sound_is_a_pause_for_everybody_and_in_the_recording(worker, new_broadcast):
    broadcast = await new_broadcast().open()
    speaker, listener = await on_air(broadcast, noise(3, -35))
    await asyncio.sleep(1)
    await speaker.call(RPC_SET_BYPASS, bypass=True)
    await until(lambda: speaker.agent()["state"] == listener.agent()["state"] == "paused", 2)
    assert await heard_level(listener) == pytest.approx(-37, abs=3)
    await speaker.call(RPC_SET_BYPASS, bypass=False)
    await until(lambda: speaker.agent()["state"] == listener.agent()["state"] == "cleaning", 2)
    assert await heard_level(listener) < -55
    await broadcast.end()
    manifest = await closed_manifest(worker, broadcast)
    assert [span.cause for span in manifest.paused] == ["original sound chosen"]
    assert 1.0 < manifest.paused[0].length < 4.0


async def test_monitor_is_the_original_of_the_same_moment_and_goes_away_again(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast, sweep(2))
    assert await speaker.call(RPC_SET_MONITOR, original=True) == {"original": True}
    both = [(BROADCASTER, "microphone"), (AGENT_NAME, "original")]
    await broadcast.published_becomes(both, broadcast.studio)
    await until(lambda: speaker.tracks and speaker.newest.loud_at() > 0, 5)
    await asyncio.sleep(SETTLED_S)
    now = time.monotonic()
    await asyncio.sleep(1)
    clean, original = (moments(track.newest.since(now)[: RATE // 2]) for track in (listener, speaker))
    apart = (clean - original + 1) % 2 - 1
    assert np.abs(np.nanmedian(apart)) < 0.080  # each has a jitter buffer of its own
    await speaker.call(RPC_SET_MONITOR, original=True)  # asking again changes nothing
    assert await broadcast.published(broadcast.studio) == both
    await speaker.call(RPC_SET_MONITOR, original=False)
    await broadcast.published_becomes([(BROADCASTER, "microphone")], broadcast.studio)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]


async def test_a_moved_stage_takes_the_clean_track_along(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, left_behind = await on_air(broadcast, sweep(2))
    await until(lambda: left_behind.loud_since(0), 5)
    await broadcast.change(stage=stage_room(broadcast.key, 2))
    await until(lambda: speaker.agent()["stage"] == broadcast.metadata.stage, 5, "the new stage")
    invited = await broadcast.listener()
    await until(lambda: invited.loud_since(0), 5, "sound on the new stage")
    assert await broadcast.published(left_behind.room.name) == []
    moved = time.monotonic()
    await asyncio.sleep(1)
    assert not left_behind.loud_since(moved)
    assert await broadcast.published() == [(AGENT_NAME, "clean")]


async def test_recording_holds_what_friends_heard_and_is_closed_at_the_end(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)
    await on_air(broadcast, sweep(2))
    await asyncio.sleep(3)
    await broadcast.change(title="Evening show")
    await asyncio.sleep(0.5)
    await broadcast.end()
    manifest = await closed_manifest(worker, broadcast)
    assert (manifest.owner, manifest.title, manifest.gaps, manifest.paused) == (OWNER, "Evening show", (), ())
    sound, rate = soundfile.read(worker.recordings / f"{broadcast.id}.flac", dtype="int16")
    assert (rate, len(sound)) == (RATE, manifest.samples)
    assert 3 < manifest.duration < 8
    found = moments(sound[-2 * RATE :])
    assert np.isfinite(found[:-10]).all()


async def test_a_sound_check_is_not_recorded_until_it_goes_live(worker, new_broadcast):
    broadcast = await new_broadcast().open(live=False)
    speaker, _ = await on_air(broadcast, noise(3))
    await asyncio.sleep(1.5)
    assert speaker.agent()["recording"] == "off"
    assert not list(worker.recordings.glob(f"{broadcast.id}*"))
    await broadcast.change(live=True)
    await until(lambda: speaker.agent()["recording"] == "on", 10)
    await asyncio.sleep(1)
    await broadcast.end()
    assert (await closed_manifest(worker, broadcast)).duration < 3


async def test_without_space_the_stream_goes_on_and_the_recording_waits(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast, sweep(3))
    await until(lambda: speaker.agent().get("recording") == "on", 5)
    await broadcast.change(recording_limit=1)
    await until(lambda: speaker.agent()["recording"] == "full", 4, "the page is told")
    await asyncio.sleep(1)
    assert listener.loud_since(time.monotonic() - 0.5)
    await broadcast.change(recording_limit=None)
    await until(lambda: speaker.agent()["recording"] == "on", 4, "it goes on")
    await asyncio.sleep(1)
    await broadcast.end()
    assert [gap.cause for gap in (await closed_manifest(worker, broadcast)).gaps] == ["space for recordings used up"]


async def test_unreadable_metadata_is_not_followed(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)
    speaker, listener = await on_air(broadcast, sweep(2))
    for text in ("", "{", "[]", '{"stage": 1, "live": true, "title": "x"}'):
        await broadcast.livekit.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=broadcast.studio, metadata=text))
    await asyncio.sleep(1)
    assert listener.loud_since(time.monotonic() - 0.5)
    assert speaker.agent()["stage"] == broadcast.metadata.stage
