"""What a stream sounds like when voice or music was chosen: measured where it is heard, and in the recording."""

import asyncio
import time

import numpy as np
import pytest
import soundfile

from contract.messages import RPC_SET_MONITOR, RPC_SET_STRENGTH
from tests.agent.judges import flac_says_ok
from tests.integration.live.people import until
from tests.integration.live.sounds import RATE, level_db, noise, speech
from tests.integration.live.test_broadcast import closed_manifest

PITCHES_HZ = 440, 1000


def two_tones(seconds=2.0):
    """Makes a different tone in each channel, [n, 2], with whole periods of both."""
    at = np.arange(round(seconds * RATE)) / RATE
    tones = [8_000 * np.sin(2 * np.pi * pitch * at) for pitch in PITCHES_HZ]
    return np.stack(tones, axis=1).astype(np.int16)


def level_of(sound, pitch):
    """Returns the level in dBFS of this tone in a second of sound, [n]."""
    spectrum = np.abs(np.fft.rfft(sound[:RATE] * np.hanning(RATE))) / (RATE / 4) / 32_768
    return 20 * np.log10(spectrum[pitch - 3 : pitch + 4].max())


def assert_two_channels(sound):
    """Checks that each tone is in its channel and as loud as it was sent. The noise remover would have taken them for noise."""
    for channel, own, other in zip(sound.T, PITCHES_HZ, reversed(PITCHES_HZ), strict=True):
        assert level_of(channel, own) == pytest.approx(-12.2, abs=2)
        assert level_of(channel, other) < -60


async def bit_rate_of(heard, seconds=4.0):
    """Returns the bits per second of the payload that reaches the listener."""

    async def received():
        stats = await heard.track.get_stats()
        return sum(entry.inbound_rtp.inbound.bytes_received for entry in stats if entry.HasField("inbound_rtp")), time.monotonic()

    (before, began), _, (after, ended) = await received(), await asyncio.sleep(seconds), await received()
    return 8 * (after - before) / (ended - began)


async def test_music_is_heard_and_recorded_as_it_is(worker, new_broadcast):
    broadcast = await new_broadcast().open(quality="music")
    speaker = await broadcast.speaker(two_tones())
    listener = await broadcast.listener(channels=2)
    await until(lambda: speaker.agent().get("state") == "music", 30, "music")
    await until(lambda: listener.tracks and listener.newest.loud_from() < time.monotonic() - 3, 30, "three seconds of it")
    assert_two_channels(listener.newest.sound.reshape(-1, 2)[-RATE:])
    assert listener.agent()["state"] == "music"
    assert 80_000 < await bit_rate_of(listener.newest) < 160_000

    await until(lambda: speaker.meter and speaker.meter[-1]["level_db"] == pytest.approx(-18, abs=3), 5, "the level of it")
    assert speaker.meter[-1]["removed_db"] == 0
    # What the page does not offer for music, and a client may ask for all the same.
    await speaker.call(RPC_SET_STRENGTH, strength_db=100)
    await speaker.call(RPC_SET_MONITOR, original=True)
    await until(lambda: speaker.tracks and speaker.newest.loud_at(), 10, "the original")

    await broadcast.end()
    manifest = await closed_manifest(worker, broadcast)
    assert (manifest.gaps, manifest.paused) == ((), ())
    recording = worker.recordings / f"{broadcast.id}.flac"
    assert await asyncio.to_thread(flac_says_ok, recording)
    sound, _ = soundfile.read(recording, dtype="int16")
    assert sound.shape == (manifest.samples, 2)
    assert_two_channels(sound[5 * RATE : 6 * RATE])  # before, the jitter buffer may stretch it, to the left channel's period
    assert (worker.recordings / f"{broadcast.id}.peaks").stat().st_size == -(-manifest.samples // 4608)


async def test_a_voice_at_32_kbit_arrives_at_about_that_and_cleaned(worker, new_broadcast):
    voice = speech()
    mixed = (voice.astype(np.int32) + noise(len(voice) / RATE, -45)[: len(voice)]).clip(-32768, 32767).astype(np.int16)
    broadcast = await new_broadcast().open(quality="voice")
    speaker = await broadcast.speaker(mixed)
    listener = await broadcast.listener()
    await until(lambda: speaker.agent().get("state") == "cleaning", 30, "cleaning")
    await until(lambda: listener.tracks and listener.newest.loud_at(), 30, "sound")
    rate = await bit_rate_of(listener.newest)
    assert 20_000 < rate < 40_000
    assert level_db(listener.newest.sound) > -45
