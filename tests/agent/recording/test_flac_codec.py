"""The format, and what a repair keeps of a damaged file."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.recording.files import DiskFile
from agent.recording.flac_codec import BLOCK_SAMPLES, BlockEncoder, Frame, decode_frame, frames, last_frame, read_frame
from agent.recording.flac_file import DamagedFile, FlacFile, Repaired, repair, samples_md5
from contract.fields import DocumentError
from contract.flac import crc8, crc16, parse_frame_header, renumber
from contract.recording import RECORDING_AUDIO_AT, RecordingHead
from tests.agent.judges import assert_valid, flac_says_ok, samples_of, speech_like


@dataclass(frozen=True)
class Encoded:
    """A whole recording in memory."""

    samples: np.ndarray
    frames: list[bytes]
    ends: list[int]

    def file(self, counted: int | None = None) -> bytes:
        """With a head that was renewed after `counted` frames."""
        counted = len(self.frames) if counted is None else counted
        end = self.ends[counted - 1]
        return RecordingHead(min(counted * BLOCK_SAMPLES, len(self.samples)), end).to_header() + b"".join(self.frames)


def recorded(divisor: int, pauses: Collection[int] = ()) -> Encoded:
    """Twelve frames, the last one short. `divisor`: by which it is quieter than speech; `pauses`: frames of silence."""
    samples = speech_like((11 * BLOCK_SAMPLES + 1000) / 48_000) // divisor
    for pause in pauses:
        samples[pause * BLOCK_SAMPLES : (pause + 1) * BLOCK_SAMPLES] = 0
    encoder = BlockEncoder()
    whole = [encoder.block(samples[at : at + BLOCK_SAMPLES]) for at in range(0, 11 * BLOCK_SAMPLES, BLOCK_SAMPLES)]
    encoded = [*whole, encoder.last(samples[11 * BLOCK_SAMPLES :])]
    return Encoded(samples, encoded, list(RECORDING_AUDIO_AT + np.cumsum([len(frame) for frame in encoded])))


@pytest.fixture(scope="module")
def recording() -> Encoded:
    return recorded(100)


@pytest.mark.parametrize("right", ["same", "opposite", "other", "noise"])
def test_a_stereo_frame_is_found_and_decoded_however_its_channels_were_coded(right):
    left = speech_like(0.2)[:BLOCK_SAMPLES] // 100
    channels = {"same": left, "opposite": -left, "other": np.roll(left, 7), "noise": loud_noise(BLOCK_SAMPLES)}
    samples = np.stack((loud_noise(BLOCK_SAMPLES, seed=2) if right == "noise" else left, channels[right]), axis=1)
    frame = BlockEncoder(2).block(samples)
    for tail in (b"", bytes(3000), frame):
        assert read_frame(frame + tail, 0, len(frame + tail)) == Frame(0, len(frame), 0, BLOCK_SAMPLES, channels=2)
    np.testing.assert_array_equal(decode_frame(frame), samples)


def loud_noise(count: int, seed: int = 1) -> np.ndarray:
    """Cannot be compressed."""
    return np.random.default_rng(seed).integers(-32768, 32767, count, np.int16, endpoint=True)


def test_the_head_says_how_many_channels_there_are():
    for channels in (1, 2):
        head = RecordingHead(samples=2**35, end=10**9, channels=channels)
        assert RecordingHead.from_bytes(head.to_bytes()) == head


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sound.flac"


def repaired(path: Path, content: bytes | None = None) -> Repaired:
    if content is not None:
        path.write_bytes(content)
    disk = DiskFile(os.open(path, os.O_RDWR))
    try:
        return repair(disk)
    finally:
        disk.close()


def test_checksums_are_those_of_the_flac_specification():
    check = b"123456789"  # the check values of CRC-8/SMBUS and CRC-16/UMTS
    assert (crc8(check), crc16(check)) == (0xF4, 0xFEE8)


def test_head_survives_its_own_bytes():
    head = RecordingHead(samples=2**36 - 1, end=2**40 + 5, min_frame=11, max_frame=9000, md5=bytes(range(16)))
    assert RecordingHead.from_bytes(head.to_bytes()) == head


@pytest.mark.parametrize("damage", [b"", b"fLaC", bytes(62), b"RIFF" + bytes(80)])
def test_a_head_of_others_is_refused(damage):
    with pytest.raises(DocumentError):
        RecordingHead.from_bytes(damage)


def test_every_flipped_bit_of_a_head_is_noticed():
    good = RecordingHead(samples=48_000, end=90_000).to_bytes()
    for bit in range(len(good) * 8):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DocumentError):
            RecordingHead.from_bytes(bytes(bad))


def test_header_frames_and_end_make_a_file_that_all_readers_take(recording, path):
    path.write_bytes(recording.file())
    np.testing.assert_array_equal(assert_valid(path), recording.samples)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2047, 2048, 65_535, 65_536, 2**21 - 1, 2**21, 2**26, 2**31 - 1])
def test_a_renumbered_frame_has_the_number_and_the_same_sound(recording, number):
    frame = renumber(recording.frames[3], number)
    head = parse_frame_header(frame)
    assert head is not None
    assert (head.number, head.samples, crc16(frame)) == (number, BLOCK_SAMPLES, 0)
    np.testing.assert_array_equal(decode_frame(frame), decode_frame(recording.frames[3]))


def test_a_frame_can_say_which_sample_it_begins_with(recording):
    frame = renumber(recording.frames[3], 2**30 + 1, counts_samples=True)
    head = parse_frame_header(frame)
    assert (head.number, head.counts_samples, head.samples) == (2**30 + 1, True, BLOCK_SAMPLES)
    np.testing.assert_array_equal(decode_frame(frame), recording.samples[3 * BLOCK_SAMPLES : 4 * BLOCK_SAMPLES])
    assert renumber(frame, 3) == recording.frames[3]


def test_a_damaged_frame_does_not_become_a_good_one_by_its_new_number(recording):
    damaged = bytearray(recording.frames[3])
    damaged[100] ^= 1
    assert decode_frame(renumber(bytes(damaged), 2**20)) is None


def test_a_clip_is_left_as_it_is_by_a_repair(recording, path):
    content = RecordingHead(99, RECORDING_AUDIO_AT + 8, min_block=99).to_header() + bytes(8)
    with pytest.raises(DamagedFile, match="a clip"):
        repaired(path, content)
    assert path.read_bytes() == content


def test_renumbering_something_else_raises():
    with pytest.raises(ValueError, match="not a FLAC frame"):
        renumber(b"RIFF, no frame at all", 1)


def test_a_damaged_frame_is_not_decoded(recording):
    frame = recording.frames[2]
    for at in range(0, len(frame), 97):
        assert decode_frame(frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]) is None


def test_a_frame_ends_where_it_ends_whatever_follows(recording):
    rng = np.random.default_rng(2)
    for number, frame in enumerate(recording.frames):
        for tail in (b"", bytes(3000), rng.bytes(3000), recording.frames[0]):
            found = read_frame(frame + tail, 0, len(frame + tail))
            samples = BLOCK_SAMPLES if number < 11 else 1000
            assert found == Frame(0, len(frame), number, samples)


def test_the_walk_stops_at_the_first_hole(recording):
    data = bytearray(recording.file())
    data[recording.ends[4] + 200] ^= 1  # frame 5
    assert [frame.number for frame in frames(bytes(data), RECORDING_AUDIO_AT, len(data), 0)] == [0, 1, 2, 3, 4]
    last = last_frame(bytes(data), len(data))
    assert last is not None
    assert last.number == 11


def assert_repaired(recording: Encoded, path: Path, content: bytes) -> None:
    """All frames that are whole in `content` are kept, and nothing else. A zero cut off and put back by the tail counts."""
    found = repaired(path, content)
    whole = recording.file()
    good = sum(content[RECORDING_AUDIO_AT:end] == whole[RECORDING_AUDIO_AT:end] for end in recording.ends)
    assert (found.head.end, path.stat().st_size) == (recording.ends[good - 1], recording.ends[good - 1])
    assert found.head.samples == min(good * BLOCK_SAMPLES, len(recording.samples))
    assert RecordingHead.from_bytes(path.read_bytes()) == found.head


@pytest.mark.no_cover  # thousands of files through the same lines
def test_truncation_at_every_byte_of_the_last_second_keeps_every_good_frame(path):
    quiet = recorded(3000, pauses=[1, 2, 3, 5, 6, 7, 8, 9])  # has few bytes
    assert len(quiet.samples) - BLOCK_SAMPLES < 48_000
    content = quiet.file(counted=1)
    for cut in range(quiet.ends[0], quiet.ends[-1] + 1):
        assert_repaired(quiet, path, content[:cut])
    np.testing.assert_array_equal(assert_valid(path), quiet.samples)


@pytest.mark.parametrize("tail", ["nothing", "zeros", "noise", "an older frame"])
def test_a_cut_in_the_last_second_keeps_every_good_frame_whatever_follows(recording, path, tail):
    rng = np.random.default_rng(3)
    content = recording.file(counted=1)
    ends = {end + shift for end in recording.ends for shift in range(-3, 4)} - set(range(recording.ends[0]))
    for cut in sorted(ends | set(range(recording.ends[0], recording.ends[-1], 1009))):
        tails = {"nothing": b"", "zeros": bytes(2000), "noise": rng.bytes(2000), "an older frame": recording.frames[0]}
        assert_repaired(recording, path, content[:cut] + tails[tail])
    np.testing.assert_array_equal(assert_valid(path), recording.samples)  # the last cut was behind the whole file


def test_truncation_before_the_checkpoint_is_told_as_loss(recording, path):
    found = repaired(path, recording.file()[: recording.ends[7] + 10])
    assert (found.head.end, found.cut_bytes) == (recording.ends[7], 10)
    assert found.lost_samples == len(recording.samples) - 8 * BLOCK_SAMPLES
    np.testing.assert_array_equal(assert_valid(path), recording.samples[: 8 * BLOCK_SAMPLES])


def test_a_destroyed_header_is_made_again(recording, path):
    found = repaired(path, bytes(RECORDING_AUDIO_AT) + recording.file()[RECORDING_AUDIO_AT:])
    assert found.head == RecordingHead(len(recording.samples), recording.ends[-1])
    np.testing.assert_array_equal(assert_valid(path), recording.samples)


def test_damage_in_the_middle_does_not_cost_what_follows(recording, path):
    content = bytearray(recording.file())
    content[recording.ends[4] + 200] ^= 1
    assert repaired(path, bytes(content)).head.end == recording.ends[-1]
    assert path.stat().st_size == recording.ends[-1]


@pytest.mark.parametrize("content", [b"", b"fLa", RecordingHead(4608, 9000).to_header()[:3000], bytes(50_000)])
def test_a_file_that_never_held_sound_becomes_empty(path, content):
    assert repaired(path, content).head == RecordingHead(0, 0)
    assert path.stat().st_size == 0


def test_a_file_of_somebody_else_is_not_touched(path):
    other = b"fLaC" + np.random.default_rng(4).bytes(40_000)
    with pytest.raises(DamagedFile):
        repaired(path, other)
    assert path.read_bytes() == other


def test_repairing_a_whole_file_changes_nothing(recording, path):
    repaired(path, recording.file())
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert repaired(path).cut_bytes == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("cut_at", [1, 700, BLOCK_SAMPLES, BLOCK_SAMPLES + 1, 5 * BLOCK_SAMPLES + 4000])
def test_a_file_written_by_two_processes_is_one_stream_of_samples(path, cut_at):
    sound = speech_like(1.0)
    for part in (sound[:cut_at], sound[cut_at:]):
        disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
        file = FlacFile(disk, repair(disk))
        file.append(part)
        file.finish()
        disk.close()
        np.testing.assert_array_equal(assert_valid(path), sound[: file.position])
    head = RecordingHead.from_bytes(path.read_bytes())
    assert (head.samples, head.end, head.md5) == (len(sound), path.stat().st_size, bytes(16))


def test_the_md5_is_the_one_flac_computes(path):
    disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
    file = FlacFile(disk, repair(disk))
    file.append(speech_like(0.5))
    file.finish()
    assert "WARNING" not in flac_says_ok(path)
    assert RecordingHead.from_bytes(path.read_bytes()).md5 == samples_md5(path)
    file.seal(bytes(15) + b"\1")
    disk.close()
    with pytest.raises(AssertionError, match="MD5"):
        flac_says_ok(path)


def test_frame_sizes_in_the_header_are_those_of_the_frames(path):
    disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
    file = FlacFile(disk, repair(disk))
    file.append(np.zeros(BLOCK_SAMPLES, np.int16))
    file.append(speech_like(0.5))
    file.finish()
    disk.close()
    data = path.read_bytes()
    sizes = [frame.end - frame.start for frame in frames(data, RECORDING_AUDIO_AT, len(data), 0)]
    head = RecordingHead.from_bytes(data)
    assert (head.min_frame, head.max_frame) == (min(sizes), max(sizes))
    assert len(samples_of(path)) == head.samples
