"""Reads and repairs sound files that somebody has spoiled: what is good stays, and nothing else happens."""

import io
import os

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from agent.recording.files import DiskFile
from agent.recording.flac_codec import BLOCK_SAMPLES, decode_frame, last_frame, read_frame
from agent.recording.flac_file import NOTHING, DamagedFile, FlacFile, Repaired, repair
from contract.recording import RECORDING_AUDIO_AT, RecordingHead
from tests.outside_bytes import fuzzed_slowly, spoiled

SOUND = (np.sin(np.arange(3 * BLOCK_SAMPLES) / 9) * 3000).astype(np.int16)


def open_file(path):
    return DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.flac"
    disk = open_file(path)
    file = FlacFile(disk, Repaired(NOTHING, None, 0, 0))
    file.append(SOUND)
    file.finish()
    disk.close()
    return path.read_bytes()


def test_frames(whole):
    sound = whole[RECORDING_AUDIO_AT:]
    first = read_frame(sound, 0, len(sound))

    @fuzzed_slowly
    @given(spoiled(sound[: first.end]))
    def read(data):
        samples = decode_frame(data)
        assert samples is None or samples.dtype == np.int16
        for frame in (
            read_frame(data, 0, len(data)),
            last_frame(bytes(RECORDING_AUDIO_AT) + data, RECORDING_AUDIO_AT + len(data)),
        ):
            assert frame is None or frame.end - frame.start <= len(data)

    read()


def test_files_that_are_repaired(whole, tmp_path):
    path = tmp_path / "spoiled.flac"
    head, sound = whole[:RECORDING_AUDIO_AT], whole[RECORDING_AUDIO_AT:]
    heads = spoiled(head).map(lambda head: head + sound)
    sounds = spoiled(sound).map(lambda sound: head + sound)

    @fuzzed_slowly
    @given(st.one_of(spoiled(whole), heads, sounds))
    def repaired(data):
        path.write_bytes(data)
        disk = open_file(path)
        try:
            found = repair(disk)
        except DamagedFile:
            assert path.read_bytes() == data
            return
        finally:
            disk.close()
        kept = path.read_bytes()
        assert len(kept) == found.head.end
        if found.last is None:
            return
        assert RecordingHead.from_bytes(kept) == found.head
        assert last_frame(kept, len(kept)).end == len(kept)
        if kept.endswith(sound):
            samples, rate = soundfile.read(io.BytesIO(kept), dtype="int16")
            assert np.array_equal(samples, SOUND)
            assert rate == 48_000

    repaired()


@pytest.mark.parametrize("at", [0, 20, 60, 62, 63, 64, 65])
def test_a_head_that_was_damaged_is_made_anew_with_all_that_stands_before_the_sound(whole, tmp_path, at):
    path = tmp_path / "spoiled.flac"
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
    disk = open_file(path)
    repair(disk)
    disk.close()
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], SOUND)
