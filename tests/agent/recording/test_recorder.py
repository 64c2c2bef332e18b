"""Recordings that nothing can break: crashes, and half a sidecar."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from agent.recording.files import RecordingFolder
from agent.recording.recorder import FlacRecorder
from agent.recording.repair import repair_file, repair_folder
from contract.fields import DocumentError
from contract.recording import RecordingHead, RecordingManifest, Span
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
        STREAM_ID,
        "alice",
        "A walk",
        "2026-01-02T03:04:05Z",
        "closed",
        samples=100_001,
    )
    assert recorder.seconds == pytest.approx(100_001 / RATE)
    assert [studio.state(), studio.state()] == ["on", "off"]
    assert recorder.state == "off"
    assert sorted(path.name for path in studio.folder.iterdir()) == [
        f"{STREAM_ID}.flac",
        f"{STREAM_ID}.json",
        f"{STREAM_ID}.peaks",
    ]


@pytest.mark.parametrize("length", [1, 7, 480, 4608, 4609, 48_000])
def test_blocks_may_have_any_length(studio, length):
    recorder = studio.recorder()
    for at in range(0, RATE, length):
        studio.clock.now += len(SOUND[at : min(RATE, at + length)]) / RATE
        recorder.write(SOUND[at : min(RATE, at + length)])
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
        time.sleep(max(0.0, begin + at / RATE - time.monotonic()))  # real time: the head is renewed each second
        studio.say(recorder, SOUND[at : at + BLOCK])
        if at % (BLOCK * 17) == 0 and studio.audio.exists() and studio.audio.stat().st_size:
            before = recorder.seconds
            shutil.copyfile(studio.audio, copy)
            heard = assert_valid(copy)
            np.testing.assert_array_equal(heard, SOUND[: len(heard)])
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

    recorder = FlacRecorder(
        studio.folder, stream_id=STREAM_ID, owner="alice", title="", started_at="", on_state=broken, clock=studio.clock
    )
    recorder.start()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[:RATE])


# Crashes


@pytest.mark.flaky(reruns=2)  # a machine that gives the writer's thread no turn for half a second loses more
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
        np.testing.assert_array_equal(kept[: len(kept_before)], kept_before)  # bit for bit before the cut
        sound = np.trim_zeros(kept[len(kept_before) :], "f")  # behind the silence of the time in between
        np.testing.assert_array_equal(sound, speech_like(30, kill)[: len(sound)])
        assert handed - len(sound) <= RATE / 2, f"kill {kill}"
        kept_before = kept
    manifest = studio.manifest
    assert {gap.cause for gap in manifest.gaps} == {"noise remover restarted"}
    assert len(manifest.gaps) >= 15  # none when the kill came before the first sound
    for gap in manifest.gaps:
        silence = kept_before[round(gap.start * RATE) : round((gap.start + gap.length) * RATE)]
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
    assert "WARNING" not in flac_says_ok(studio.audio)  # the MD5 of all samples, also of the other process's
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
    studio.say(second, SOUND[WHOLE : 2 * WHOLE])
    second.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * WHOLE])


def test_the_recording_that_is_being_written_is_not_repaired(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    assert studio.state() == "on"
    assert repair_folder(studio.folder) == []
    recorder.close(finished=True)


# Sidecar


def test_spans_without_noise_removal_stand_in_the_sidecar(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.pause_began("overload")
    studio.say(recorder, SOUND[RATE : 3 * RATE])
    recorder.pause_ended()
    studio.say(recorder, SOUND[3 * RATE : 4 * RATE])
    recorder.pause_began("noise remover failed")
    studio.say(recorder, SOUND[4 * RATE : 5 * RATE])
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
    studio.say(recorder, SOUND[WHOLE : 2 * WHOLE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * WHOLE])
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
    with pytest.raises(DocumentError):
        RecordingManifest.from_json("{}")
