"""Files of every kind through the noise remover."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from agent.cli.main import main

SPEECH = Path(__file__).parents[2] / "audio" / "speech.flac"


def run(*arguments):
    return CliRunner().invoke(main, ["denoise", *map(str, arguments)])


def tone(seconds, rate, channels=1):
    at = np.arange(round(seconds * rate)) / rate
    sound = 0.3 * np.sin(2 * np.pi * 300 * at)
    return np.stack([sound * (channel + 1) / channels for channel in range(channels)], axis=1)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 2), (16_000, 1), (8_000, 1), (96_000, 3)])
@pytest.mark.parametrize("seconds", [0.001, 1.2345])
def test_strength_0_gives_the_input_back_in_its_place(tmp_path, rate, channels, seconds):
    sound = tone(seconds, rate, channels)
    soundfile.write(tmp_path / "in.wav", sound, rate)
    done = run(tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--strength", 0)
    assert done.exit_code == 0, done.output
    clean, out_rate = soundfile.read(tmp_path / "out.wav", always_2d=True)
    assert (out_rate, clean.shape) == (rate, sound.shape)
    if seconds > 1:
        middle = slice(rate // 10, -rate // 10)
        assert np.abs(clean[middle] - sound[middle]).max() < 0.001


@pytest.mark.parametrize("mode", ["running", "parity"])
def test_noise_is_removed_and_the_voice_stays_in_place(tmp_path, mode):
    voice, rate = soundfile.read(SPEECH)
    noisy = voice + 0.005 * np.random.default_rng(1).standard_normal(len(voice))
    soundfile.write(tmp_path / "in.wav", noisy, rate)
    done = run(tmp_path / "in.wav", "--mode", mode)
    assert done.exit_code == 0, done.output
    clean, _ = soundfile.read(tmp_path / "in-clean.flac")
    pause = slice(round(3.2 * rate), round(3.8 * rate))
    assert len(clean) == len(voice)
    assert 20 * np.log10(np.std(noisy[pause]) / np.std(clean[pause])) > 15
    assert np.corrcoef(clean, voice)[0, 1] > 0.95


def test_long_files_are_cleaned_block_by_block(tmp_path):
    voice, rate = soundfile.read(SPEECH)
    soundfile.write(tmp_path / "in.wav", np.tile(voice, 2), rate)
    done = run(tmp_path / "in.wav", "-o", tmp_path / "out.flac")
    assert done.exit_code == 0, done.output
    assert soundfile.info(tmp_path / "out.flac").frames == 2 * len(voice)


def test_what_libsndfile_cannot_read_is_read_by_ffmpeg(tmp_path):
    with av.open(str(tmp_path / "in.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="stereo")
        samples = tone(1, 48_000, 2).T.astype(np.float32)
        for at in range(0, 48_000, 1_024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + 1_024]), "fltp", "stereo")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    done = run(tmp_path / "in.m4a")
    assert done.exit_code == 0, done.output
    info = soundfile.info(tmp_path / "in-clean.flac")
    assert (info.samplerate, info.channels) == (48_000, 2)
    assert info.frames == pytest.approx(48_000, abs=2_100)


def test_folders_are_searched_and_results_are_not_taken_for_inputs(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.wav", "deep/b.flac"):
        soundfile.write(tmp_path / name, tone(0.2, 16_000), 16_000)
    (tmp_path / "notes.txt").write_text("no sound")
    assert run(tmp_path).exit_code == 0
    assert run(tmp_path).exit_code == 0
    assert sorted(file.name for file in tmp_path.rglob("*clean*")) == ["a-clean.flac", "b-clean.flac"]


def test_bad_files_are_named_with_the_reason_and_the_others_are_done(tmp_path):
    soundfile.write(tmp_path / "good.wav", tone(0.2, 16_000), 16_000)
    soundfile.write(tmp_path / "nothing.wav", np.zeros((0, 1)), 16_000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound")
    done = run(*(tmp_path / f"{name}.wav" for name in ("empty", "text", "nothing", "missing", "good")), "-o", tmp_path / "out")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert [Path(line.split(":")[0]).name for line in lines] == ["empty.wav", "text.wav", "nothing.wav", "missing.wav"]
    assert all(len(line.split(": ", 1)[1]) > 10 for line in lines)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["good-clean.flac"]


def test_an_input_is_never_overwritten(tmp_path):
    soundfile.write(tmp_path / "in.wav", tone(0.2, 16_000), 16_000)
    before = (tmp_path / "in.wav").read_bytes()
    done = run(tmp_path / "in.wav", "-o", tmp_path / "in.wav")
    assert done.exit_code == 1
    assert (tmp_path / "in.wav").read_bytes() == before


def test_24_bits_stay_24_bits(tmp_path):
    soundfile.write(tmp_path / "in.wav", tone(0.2, 48_000), 48_000, subtype="PCM_24")
    assert run(tmp_path / "in.wav").exit_code == 0
    assert soundfile.info(tmp_path / "in-clean.flac").subtype == "PCM_24"
