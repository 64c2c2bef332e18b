"""Music: chosen in the settings, captured in stereo as it is, heard and recorded so, and named for what it is."""

import io

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.e2e.looks import look

RATE = 48_000
LEFT_HZ, RIGHT_HZ = 440, 1000
BADGE = "Music, no noise removal"


@pytest.fixture
def stereo_microphone(tmp_path):
    at = np.arange(2 * RATE) / RATE
    tones = [0.25 * np.sin(2 * np.pi * pitch * at) for pitch in (LEFT_HZ, RIGHT_HZ)]
    soundfile.write(tmp_path / "stereo.wav", np.stack(tones, axis=1), RATE, "PCM_16")
    return tmp_path / "stereo.wav"


PITCHES_OF_CHANNELS = """async () => {
  const { srcObject } = heard.elements().find((element) => element.srcObject);
  const context = new AudioContext({ sampleRate: 48000 });
  const splitter = context.createChannelSplitter(2);
  context.createMediaStreamSource(srcObject).connect(splitter);
  const analysers = [0, 1].map((channel) => {
    const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    splitter.connect(analyser, channel);
    return analyser;
  });
  const levels = analysers.map((analyser) => new Float32Array(analyser.frequencyBinCount));
  const loudest = () => analysers.map((analyser, channel) => {
    analyser.getFloatFrequencyData(levels[channel]);
    return levels[channel].indexOf(Math.max(...levels[channel])) * 48000 / 8192;
  });
  let pitches;
  do {
    await new Promise(requestAnimationFrame);
    pitches = loudest();
  } while (!(Math.max(...levels[0]) > -40));
  return pitches;
}"""
"""Returns the frequency in Hz of the strongest tone that the page plays now, left and right."""


def pitch_of(sound):
    """Returns the frequency in Hz of the strongest tone in a second of sound."""
    return int(np.argmax(np.abs(np.fft.rfft(sound[:RATE]))))


@pytest.mark.alone
def test_music_is_sent_as_it_is_from_one_browser_to_the_other(chromium, arrive, join, stereo_microphone):
    with chromium.launch("--autoplay-policy=no-user-gesture-required", microphone=stereo_microphone) as browser:
        alice = arrive("alice", browser=browser, viewport={"width": 1280, "height": 900}).register()
        bob = join("bob", viewport={"width": 1280, "height": 900})
        alice.befriend(bob)
        alice.open("/settings/sound")
        alice.page.get_by_label("Music").check()
        alice.page.get_by_role("button", name="Save").click()
        expect(alice.page.get_by_text("Saved. Applies from your next stream.")).to_be_visible()
        problems = look(alice.page, "settings-sound")

        alice.open("/live")
        expect(alice.page.get_by_text(BADGE, exact=True)).to_be_visible()
        expect(alice.page.get_by_role("group", name="Noise removal")).to_be_hidden()
        alice.page.get_by_role("button", name="Start Streaming").click()
        alice.expect_state("Live - original sound")
        expect(alice.page.get_by_role("button", name="Hear what friends hear")).to_be_visible()
        expect(alice.page.get_by_role("meter", name="Noise removed")).to_be_hidden()
        problems += look(alice.page, "live-music")
        bob.listen_to(alice)
        bob.hears_speech(within_s=10)
        expect(bob.page.get_by_text(BADGE, exact=True)).to_be_visible()
        assert bob.page.evaluate(PITCHES_OF_CHANNELS) == pytest.approx([LEFT_HZ, RIGHT_HZ], abs=6)
        problems += look(bob.page, "listen-music")
        alice.stop()
        expect(bob.page.get_by_role("button", name="Play the recording")).to_be_visible()
        (recording,) = alice.call("GET", f"/api/recordings/{alice.username}")["recordings"]
        sound, rate = soundfile.read(io.BytesIO(alice.context.request.get(alice.url + recording["audio_url"]).body()))
        assert (sound.shape[1], rate) == (2, RATE)
        assert [pitch_of(channel) for channel in sound[RATE:].T] == pytest.approx([LEFT_HZ, RIGHT_HZ], abs=2)
        assert not problems, "\n".join(problems)
