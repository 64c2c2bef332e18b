"""The loop from microphone to headphones, as the sound card calls it; and machines without one."""

import threading

import numpy as np
import pytest
from click.testing import CliRunner

from agent.cli.console import Loop, NoDevice, run
from agent.cli.main import main
from agent.denoise import Denoiser
from agent.voice.frames import FRAME


@pytest.fixture(scope="module")
def denoiser():
    return Denoiser.load()


def test_noise_is_played_lower_and_the_meter_says_how_much(denoiser):
    loop = Loop(denoiser, strength_db=20)
    noise = (np.random.default_rng(3).standard_normal((300, FRAME, 1)) * 800).astype(np.int16)
    played = np.zeros_like(noise)
    for heard, out in zip(noise, played, strict=True):
        loop(heard, out, FRAME, None, None)
    assert 20 * np.log10(np.std(noise[-100:]) / np.std(played[-100:])) == pytest.approx(20, abs=1)
    text = loop.meter().plain
    assert "-32." in text
    assert "noise removed 20." in text or "noise removed 19." in text
    assert "late" not in text
    loop(noise[0], played[0], FRAME, None, "input overflow")
    assert "1 times late" in loop.meter().plain


def test_a_machine_without_a_sound_card_is_told_so(denoiser):
    try:
        import sounddevice

        if any(device["max_input_channels"] for device in sounddevice.query_devices()):
            pytest.skip("this machine has a sound card")
    except OSError:
        pass
    with pytest.raises(NoDevice):
        run(denoiser, strength_db=100, stop=threading.Event())
    done = CliRunner().invoke(main, ["console"])
    assert done.exit_code == 1
    assert "sound card" in done.output or "no microphone" in done.output
    assert "Traceback" not in done.output
