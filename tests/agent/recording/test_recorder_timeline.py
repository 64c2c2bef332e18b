"""What is recorded stands at its time: gaps, bursts, clocks, and a recording that is gone on with."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from agent.recording.files import RecordingFolder
from agent.recording.recorder import FlacRecorder
from contract.recording import Span
from tests.agent.judges import RATE, assert_valid, flac_says_ok, speech_like
from tests.agent.studio import BLOCK, SOUND, STREAM_ID


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
    studio.say(recorder, SOUND[RATE : 2 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 2 * RATE])
    assert studio.manifest.gaps == ()


def test_sound_that_is_late_and_comes_in_a_burst_is_no_gap(studio):
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    studio.clock.now += 0.5  # the program was held up
    for at in range(RATE, RATE + RATE // 2, BLOCK):
        recorder.write(SOUND[at : at + BLOCK])
    studio.say(recorder, SOUND[RATE + RATE // 2 : 3 * RATE])
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND[: 3 * RATE])
    assert studio.manifest.gaps == ()


def test_early_sound_is_never_dropped(studio):
    recorder = studio.recorder()
    for at in range(0, len(SOUND), BLOCK):
        recorder.write(SOUND[at : at + BLOCK])  # the clock stands still
    recorder.close(finished=True)
    np.testing.assert_array_equal(assert_valid(studio.audio), SOUND)


def test_a_resumed_recording_fills_the_time_in_between(studio):
    for part, finished in ((SOUND[: RATE + 100], False), (SOUND[:RATE], True)):
        recorder = studio.recorder()
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio)
    np.testing.assert_array_equal(heard, np.concatenate((SOUND[: RATE + 100], np.zeros(4 * RATE), SOUND[:RATE])))
    (gap,) = studio.manifest.gaps
    assert gap.cause == "noise remover restarted"
    assert gap.start * RATE % 4608 == 0  # behind the silence that filled the block
    assert gap.start + gap.length == pytest.approx((5 * RATE + 100) / RATE)
    assert "WARNING" not in flac_says_ok(studio.audio)


def test_a_stereo_recording_is_resumed_with_its_gap_and_both_channels(studio):
    stereo = np.stack((SOUND, speech_like(8, seed=2)), axis=1)
    for part, finished in ((stereo[: RATE + 100], False), (stereo[: RATE + 7], True)):
        recorder = studio.recorder(channels=2)
        studio.say(recorder, part)
        recorder.close(finished=finished)
        studio.clock.now += 4
    heard = assert_valid(studio.audio, channels=2)
    np.testing.assert_array_equal(heard, np.concatenate((stereo[: RATE + 100], np.zeros((4 * RATE, 2)), stereo[: RATE + 7])))
    assert "WARNING" not in flac_says_ok(studio.audio)  # the MD5 is there, and right


def test_going_on_changes_no_byte_of_what_was_written_before(studio):
    """Somebody may be listening to the recording meanwhile."""
    recorder = studio.recorder()
    studio.say(recorder, SOUND[: RATE + 100])
    recorder.close(finished=False)
    before = studio.audio.read_bytes()
    recorder = studio.recorder()
    studio.say(recorder, SOUND[:RATE])
    recorder.close(finished=True)
    assert studio.audio.read_bytes()[4096 : len(before)] == before[4096:]


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
