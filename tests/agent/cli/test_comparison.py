"""A picture and figures of a sound before and after."""

import json

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from agent.cli.comparison import QUIETEST_DB, levels_db, spectrogram_db
from agent.cli.main import main
from contract.recording import SAMPLE_RATE
from tests.agent.denoise.mixes import MIXES

PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def noisy(tmp_path):
    path = tmp_path / "noisy.wav"
    soundfile.write(path, MIXES[0].noisy[: 2 * SAMPLE_RATE], SAMPLE_RATE)
    return path


def test_it_draws_a_picture_and_says_what_became_better(noisy):
    done = run(noisy, "--json")
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)
    assert found["target"] == str(noisy.with_name("noisy-compare.png"))
    assert noisy.with_name("noisy-compare.png").read_bytes().startswith(PNG)
    assert found["removed_db"] > 10
    assert found["dnsmos_background_after"] > found["dnsmos_background_before"] + 0.5
    assert "lower, DNSMOS speech" in run(noisy).output


def test_short_sounds_can_be_drawn_too_and_bad_files_are_named(noisy, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.full(100, 0.1), 8_000)
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    done = run(tmp_path, "-o", tmp_path / "pictures")
    assert done.exit_code == 1
    assert "bad.wav: it cannot be read as sound" in done.output
    assert {file.name for file in (tmp_path / "pictures").iterdir()} == {"noisy-compare.png", "short-compare.png"}


@pytest.mark.parametrize("target", ["picture.jpg", "nowhere/picture.png"])
def test_a_picture_that_cannot_be_written_is_named(noisy, tmp_path, target):
    done = run(noisy, "-o", tmp_path / target)
    assert done.exit_code == 1
    assert "picture" in done.output
    assert "Traceback" not in done.output


def test_levels_and_spectrograms_are_in_db_of_full_scale():
    sine = np.sin(2 * np.pi * 1_500 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    np.testing.assert_allclose(levels_db(sine), -3.01, atol=0.1)
    assert levels_db(0 * sine).max() == QUIETEST_DB
    assert spectrogram_db(sine)[32].max() == pytest.approx(0, abs=0.1)  # 1,500 Hz is bin 32 of 1,024 at 48 kHz
