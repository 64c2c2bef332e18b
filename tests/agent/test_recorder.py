"""Recordings that nothing can break: crashes, clocks, and half a sidecar."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from agent.recorder import FlacRecorder
from agent.repair import repair_file, repair_folder
from agent.storage import RecordingFolder
from contract import ContractError, RecordingHead, RecordingManifest, Span
from tests.agent.judges import RATE, assert_valid, flac_says_ok, samples_of, speech_like
from tests.agent.studio import BLOCK, SOUND, STREAM_ID, WHOLE, wait_until

# The whole way


def test_a_recording_is_every_sample_with_a_sidecar_and_an_md5(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:100_001])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:100_001])
    assert "WARNING" not in flac_says_ok(studio.audio)
    assert studio.manifest.with_(boot_id="", boot_time=0.0) == RecordingManifest(
        STREAM_ID, "alice", "A walk", "2026-01-02T03:04:05Z", "closed", samples=100_001,
    )
    assert recorder.seconds == pytest.approx(100_001 / RATE)
    assert [studio.state(), studio.state()] == ["on", "off"]
    assert recorder.state == "off"
    assert sorted(path.name for path in studio.folder.iterdir()) == [
        f"{STREAM_ID}.flac", f"{STREAM_ID}.json", f"{STREAM_ID}.peaks",
    ]


@pytest.mark.parametrize("length", [1, 7, 480, 4608, 4609, 48_000])
def test_blocks_may_have_any_length(studio, length):
    recorder = studio.recorder()
    for at in range(0, RATE, length):
        studio.clock.now += len(SOUND[at:min(RATE, at + length)]) / RATE
        recorder.write(SOUND[at:min(RATE, at + length)])
    recorder.close(finished=True)
    np.testing.assert_array_equal(samples_of(studio.audio), SOUND[:RATE])


def test_the_caller_may_use_its_block_again(studio):
    recorder = studio.recorder()
    block = SOUND[:RATE].copy()
    studio.say(recorder, block)
    block[:] = 0
    recorder.close(finished=True)
    np.testing.assert_array_equal(samples_of(studio.audio), SOUND[:RATE])


def test_it_is_valid_at_every_moment_and_shows_its_length_to_one_second(studio, tmp_path):
    recorder = studio.recorder(clock=None)
    copy = tmp_path / "copy.flac"
    looked = 0
    begin = time.monotonic()
    for at in range(0, 4 * RATE, BLOCK):
        time.sleep(max(0.0, begin + at / RATE - time.monotonic()))      # real time: the head is renewed each second
        studio.say(recorder, SOUND[at:at + BLOCK])
        if at % (BLOCK * 17) == 0 and studio.audio.exists() and studio.audio.stat().st_size:
            before = recorder.seconds
            shutil.copyfile(studio.audio, copy)
            heard = assert_valid(copy)
            np.testing.assert_array_equal(heard, SOUND[:len(heard)])
            assert before - len(heard) / RATE < 1.5
            looked += 1
    recorder.close(finished=True)
    assert looked > 15


def test_nothing_is_left_of_a_recording_without_sound(studio):
    recorder = studio.recorder()
    assert studio.state() == "on"
    recorder.close(finished=True)
    assert list(studio.folder.iterdir()) == []


def test_what_comes_after_the_end_is_ignored(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    before = studio.audio.read_bytes()
    studio.say(recorder, SOUND[:RATE])
    recorder.rename("Too late")
    recorder.close(finished=False)
    assert studio.audio.read_bytes() == before
    assert studio.manifest.title == "A walk"


def test_a_broken_listener_for_states_does_not_stop_the_recording(studio):
    def broken(state: str) -> None:
        raise RuntimeError("the event loop is closed")

    recorder = FlacRecorder(studio.folder, stream_id=STREAM_ID, owner="alice", title="", started_at="", on_state=broken,
                            clock=studio.clock)
    recorder.start()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])


# Crashes


@pytest.mark.flaky(reruns=2)        # a machine that gives the writer's thread no turn for half a second loses more
def test_twenty_kills_at_random_moments_lose_at_most_half_a_second_each(studio, writers):
    moments = random.Random(5)
    kept_before = np.zeros(0, np.int16)
    for kill in range(20):
        writer = writers(studio.folder, kill)
        writer.until("wrote")
        time.sleep(moments.uniform(0.3, 0.9))
        handed = writer.kill()
        report = repair_file(studio.audio)
        assert report.problem == ""
        kept = assert_valid(studio.audio)
        np.testing.assert_array_equal(kept[:len(kept_before)], kept_before)      # bit for bit before the cut
        sound = np.trim_zeros(kept[len(kept_before):], "f")                      # behind the silence of the time in between
        np.testing.assert_array_equal(sound, speech_like(30, kill)[:len(sound)])
        assert handed - len(sound) <= RATE / 2, f"kill {kill}"
        kept_before = kept
    manifest = studio.manifest
    assert {gap.cause for gap in manifest.gaps} == {"noise remover restarted"}
    assert len(manifest.gaps) >= 15             # none when the kill came before the first sound
    for gap in manifest.gaps:
        silence = kept_before[round(gap.start * RATE):round((gap.start + gap.length) * RATE)]
        assert len(silence) > RATE / 4
        assert not silence.any()
    assert [path.name for path in studio.folder.glob("*.flac")] == [f"{STREAM_ID}.flac"]
    assert manifest.state == "recovered"


def test_a_killed_recording_goes_on_without_a_repair_by_hand(studio, writers):
    writer = writers(studio.folder, 1)
    writer.until("wrote", "60000")
    writer.kill()
    before = studio.audio.read_bytes()
    end = RecordingHead.from_bytes(before).end
    recorder = studio.recorder(clock=None, title="A longer walk")
    recorder.write(SOUND[:RATE])
    recorder.close(finished=True)
    assert studio.audio.read_bytes()[4096:end] == before[4096:end]
    assert_valid(studio.audio)
    assert "WARNING" not in flac_says_ok(studio.audio)       # the MD5 of all samples, also of the other process's
    assert (studio.manifest.state, studio.manifest.title) == ("closed", "A longer walk")


def test_a_second_writer_waits_until_the_first_has_gone(studio):
    first = studio.recorder()
    studio.say(first, SOUND[:WHOLE])
    assert studio.state() == "on"
    second = studio.recorder()
    assert studio.state() == "failed"
    first.close(finished=False)
    assert studio.state() == "off"
    assert studio.state() == "on"
    studio.say(second, SOUND[WHOLE:2 * WHOLE])
    second.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * WHOLE])


def test_the_recording_that_is_being_written_is_not_repaired(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "on"
    assert repair_folder(studio.folder) == []
    recorder.close(finished=True)


# Time


def test_missing_time_becomes_silence_and_an_entry(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.expect_gap("overload")
    studio.clock.now += 3
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 2
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    heard = assert_valid(studio.audio)
    expected = np.concatenate((SOUND[:RATE], np.zeros(3 * RATE), SOUND[:RATE], np.zeros(2 * RATE), SOUND[:RATE]))
    np.testing.assert_array_equal(heard, expected)
    assert studio.manifest.gaps == (Span(1.0, 3.0, "overload"), Span(5.0, 2.0, "connection"))


def test_a_gap_before_the_very_last_block_is_filled_too(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 1
    studio.say(recorder, SOUND[:BLOCK])
    recorder.close(finished=True)
    assert len(assert_valid(studio.audio)) == 2 * RATE + BLOCK
    assert studio.manifest.gaps == (Span(1.0, 1.0, "connection"),)


def test_a_hiccup_below_a_quarter_second_is_no_gap(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 0.2
    studio.say(recorder, SOUND[RATE:2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * RATE])
    assert studio.manifest.gaps == ()


def test_sound_that_is_late_and_comes_in_a_burst_is_no_gap(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 0.5                     # the program was held up
    for at in range(RATE, RATE + RATE // 2, BLOCK):
        recorder.write(SOUND[at:at + BLOCK])
    studio.say(recorder, SOUND[RATE + RATE // 2:3 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:3 * RATE])
    assert studio.manifest.gaps == ()


def test_early_sound_is_never_dropped(studio):
    recorder = studio.recorder()
    for at in range(0, len(SOUND), BLOCK):
        recorder.write(SOUND[at:at + BLOCK])    # the clock stands still
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND)


def test_a_resumed_recording_fills_the_time_in_between(studio):
    for part, finished in ((SOUND[:RATE + 100], False), (SOUND[:RATE], True)):
        recorder = studio.recorder()
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio)
    np.testing.assert_array_equal(heard, np.concatenate((SOUND[:RATE + 100], np.zeros(4 * RATE), SOUND[:RATE])))
    (gap,) = studio.manifest.gaps
    assert gap.cause == "noise remover restarted"
    assert gap.start * RATE % 4608 == 0                     # behind the silence that filled the block
    assert gap.start + gap.length == pytest.approx((5 * RATE + 100) / RATE)
    assert "WARNING" not in flac_says_ok(studio.audio)


def test_a_stereo_recording_is_resumed_with_its_gap_and_both_channels(studio):
    stereo = np.stack((SOUND, speech_like(8, seed=2)), axis=1)
    for part, finished in ((stereo[:RATE + 100], False), (stereo[:RATE + 7], True)):
        recorder = studio.recorder(channels=2)
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio, channels=2)
    np.testing.assert_array_equal(heard, np.concatenate((stereo[:RATE + 100], np.zeros((4 * RATE, 2)), stereo[:RATE + 7])))
    assert "WARNING" not in flac_says_ok(studio.audio)          # the MD5 is there, and right


@pytest.mark.parametrize("damaged_head", [False, True])
def test_a_stereo_recording_of_a_dead_writer_is_repaired(studio, damaged_head):
    stereo = np.stack((SOUND, -SOUND), axis=1)[:WHOLE]
    recorder = studio.recorder(channels=2)
    studio.say(recorder, stereo)
    recorder.close(finished=False)
    before = studio.audio.read_bytes()
    studio.audio.write_bytes((bytes(62) + before[62:] if damaged_head else before) + b"half a frame")
    (report,) = repair_folder(studio.folder)
    assert (report.problem, report.cut_bytes) == ("", len(b"half a frame"))
    np.testing.assert_array_equal(assert_valid(studio.audio, channels=2), stereo)


def test_going_on_changes_no_byte_of_what_was_written_before(studio):
    """Somebody may be listening to the recording meanwhile."""
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE + 100])
    recorder.close(finished=False)
    before = studio.audio.read_bytes()
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    assert studio.audio.read_bytes()[4096:len(before)] == before[4096:]


def test_without_a_time_of_its_start_the_first_sample_counts(studio):
    recorder = FlacRecorder(studio.folder, stream_id=STREAM_ID, owner="alice", title="", on_state=studio.states.put)
    recorder.start()
    assert studio.state() == "on"
    time.sleep(1.1)
    before = time.time()
    recorder.write(SOUND[:BLOCK])
    recorder.close(finished=True)
    assert datetime.fromisoformat(studio.manifest.started_at).timestamp() == pytest.approx(before, abs=0.5)


def test_an_unfinished_recording_says_live(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    assert studio.manifest.state == "live"


def test_after_a_reboot_the_wall_clock_tells_the_time_in_between(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=False)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    RecordingFolder(studio.folder).write_manifest(replace(studio.manifest, boot_id="another boot", started_at=started))
    studio.clock.now = 5.0
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    assert len(assert_valid(studio.audio)) / RATE == pytest.approx(61, abs=2)
    assert studio.manifest.started_at == started


# Sidecar


def test_spans_without_noise_removal_stand_in_the_sidecar(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.pause_began("overload")
    studio.say(recorder, SOUND[RATE:3 * RATE])
    recorder.pause_ended()
    studio.say(recorder, SOUND[3 * RATE:4 * RATE])
    recorder.pause_began("noise remover failed")
    studio.say(recorder, SOUND[4 * RATE:5 * RATE])
    recorder.close(finished=True)
    assert studio.manifest.paused == (Span(1.0, 2.0, "overload"), Span(4.0, 1.0, "noise remover failed"))


def test_a_pause_that_a_crash_left_open_lasts_to_the_end(studio, writers):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:WHOLE])
    recorder.close(finished=False)
    RecordingFolder(studio.folder).write_manifest(replace(studio.manifest, paused=(Span(0.25, 0.0, "overload"),)))
    repair_folder(studio.folder)
    assert studio.manifest.paused == (Span(0.25, 0.71, "overload"),)


def test_a_new_title_stands_in_the_sidecar_while_the_stream_runs(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.rename("Évening ☂ walk")
    sidecar = studio.folder / f"{STREAM_ID}.json"
    wait_until(lambda: sidecar.exists() and studio.manifest.title == "Évening ☂ walk")
    recorder.close(finished=True)
    assert (studio.manifest.title, studio.manifest.state) == ("Évening ☂ walk", "closed")


@pytest.mark.parametrize("half", ["", "{", '{"stream_id": "5555', "[]", '{"stream_id": 5}', "\0\0\0"])
def test_half_a_sidecar_does_not_stop_the_next_job_and_is_written_anew(studio, half):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:WHOLE])
    recorder.close(finished=False)
    (studio.folder / f"{STREAM_ID}.json").write_text(half)
    (report,) = repair_folder(studio.folder)
    assert "sidecar" in report.problem
    recorder = studio.recorder()
    studio.say(recorder, SOUND[WHOLE:2 * WHOLE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:2 * WHOLE])
    assert (studio.manifest.owner, studio.manifest.state, studio.manifest.samples) == ("alice", "closed", 2 * WHOLE)


def test_a_sidecar_is_replaced_whole_or_not_at_all(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    path = studio.folder / f"{STREAM_ID}.json"
    for number in range(50):
        recorder.rename(f"Title {number} " + "x" * 5000)
        if path.exists():
            assert RecordingManifest.from_json(path.read_text()).stream_id == STREAM_ID
    recorder.close(finished=True)
    assert studio.manifest.title.startswith("Title 49 ")


@pytest.mark.parametrize("stream_id", ["../evil", "", "a/b", "x" * 65, ".."])
def test_an_id_cannot_name_a_file_elsewhere(tmp_path, stream_id):
    with pytest.raises(ValueError, match="cannot be a file name"):
        RecordingFolder(tmp_path).audio_path(stream_id)


def test_a_damaged_file_is_set_aside_and_the_recording_begins_anew(studio):
    studio.folder.mkdir()
    other = b"fLaC" + np.random.default_rng(4).bytes(40_000)
    studio.audio.write_bytes(other)
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])
    assert studio.audio.with_name(f"{STREAM_ID}.flac.damaged-1").read_bytes() == other


def test_a_manifest_of_others_raises_one_error():
    with pytest.raises(ContractError):
        RecordingManifest.from_json("{}")
