"""One voice: framing, lengths, latency, and that the pieces a signal is cut into leave no trace."""

import numpy as np
import pytest

from agent.denoise import Denoiser
from agent.denoise.spectrum import HOP
from tests.agent.denoise.chunks import cleaned, of_random_sizes, of_size
from tests.agent.denoise.identity_network import identity_network
from tests.agent.denoise.mixes import MIXES, RATE

NOISY = MIXES[0].noisy[RATE // 2 :][: RATE + 123]
MODES = pytest.mark.parametrize("parity", [False, True], ids=["running", "parity"])


@pytest.fixture(scope="module")
def whole(denoiser):
    return cleaned(denoiser.stream(), NOISY)


@pytest.mark.parametrize("size", [1, 7, 31, 127, 479, 480, 481, 509, 960, 4801, 48_000])
def test_pieces_of_one_size_give_the_same_bits_as_the_whole(denoiser, whole, size):
    np.testing.assert_array_equal(cleaned(denoiser.stream(), of_size(NOISY, size)), whole)


@pytest.mark.parametrize("seed", range(4))
def test_random_pieces_give_the_same_bits_as_the_whole(denoiser, whole, seed):
    np.testing.assert_array_equal(cleaned(denoiser.stream(), of_random_sizes(NOISY, seed)), whole)


@MODES
@pytest.mark.parametrize("length", [0, 1, 479, 480, 481, 959, 960, 961, 1440, 1919, 1920, 2881, 4800, 5003])
def test_flush_returns_every_sample(denoiser, parity, length):
    stream = denoiser.stream(parity=parity)
    given = stream.feed(NOISY[:length])
    rest = stream.flush()
    assert len(given) + len(rest) == length
    assert len(rest) <= stream.latency_samples


@MODES
def test_what_has_come_out_follows_the_documented_latency(denoiser, parity):
    stream = denoiser.stream(parity=parity)
    assert stream.latency_samples == (2880 if parity else 1920)
    fed = given = 0
    for piece in of_random_sizes(NOISY[:RATE], seed=9):
        fed += len(piece)
        given += len(stream.feed(piece))
        assert given == max(0, fed - fed % HOP - (stream.latency_samples - HOP))


def test_fed_hop_by_hop_a_hop_comes_out_for_each_after_30_ms(denoiser):
    stream = denoiser.stream()
    lengths = [len(stream.feed(hop)) for hop in of_size(NOISY[: 20 * HOP], HOP)]
    assert lengths == [0, 0, 0] + [HOP] * 17


@MODES
def test_a_ramp_passes_a_network_that_changes_nothing(tmp_path, parity):
    ramp = np.linspace(-1, 1, 12_345, dtype=np.float32)
    stream = Denoiser(identity_network(tmp_path)).stream(parity=parity)
    np.testing.assert_allclose(cleaned(stream, of_random_sizes(ramp, seed=3)), ramp, atol=2e-7)


@MODES
def test_an_impulse_comes_out_where_it_went_in(tmp_path, parity):
    denoiser = Denoiser(identity_network(tmp_path))
    for place in (0, 1, 479, 480, 3000, 4999):
        impulse = np.zeros(5000, np.float32)
        impulse[place] = 1
        np.testing.assert_allclose(cleaned(denoiser.stream(parity=parity), impulse), impulse, atol=2e-7)


def test_the_last_samples_are_those_of_a_longer_signal(denoiser):
    """What flush makes up is not silence: a word at the end of the signal is there to the end."""
    end = 40_000
    short, longer = cleaned(denoiser.stream(), NOISY[:end]), cleaned(denoiser.stream(), NOISY[: end + 4800])
    np.testing.assert_array_equal(short[: end - 1920], longer[: end - 1920])
    tail = slice(end - 1920, end)
    error = np.sum((short[tail] - longer[tail]) ** 2) / np.sum(longer[tail] ** 2)
    assert 10 * np.log10(error) < -3


def test_streams_that_take_turns_do_not_mix(denoiser):
    voices = [mix.noisy[:RATE] for mix in MIXES[:4]]
    alone = [cleaned(denoiser.stream(), voice) for voice in voices]
    streams = [denoiser.stream() for _ in voices]
    parts = [[] for _ in voices]
    for pieces in zip(*(of_size(voice, 777) for voice in voices), strict=True):
        for stream, part, piece in zip(streams, parts, pieces, strict=True):
            part.append(stream.feed(piece))
    for stream, part, expected in zip(streams, parts, alone, strict=True):
        np.testing.assert_array_equal(np.concatenate([*part, stream.flush()]), expected)


def test_a_new_stream_knows_nothing_of_a_loud_one(denoiser, whole):
    cleaned(denoiser.stream(), np.sign(np.sin(np.arange(RATE) / 20)).astype(np.float32))
    np.testing.assert_array_equal(cleaned(denoiser.stream(), NOISY), whole)


def test_the_input_stays_as_it_is(denoiser):
    samples = np.array([np.nan, 3, -3, np.inf, 0.5], np.float32)
    kept = samples.copy()
    cleaned(denoiser.stream(), samples)
    np.testing.assert_array_equal(samples, kept)


def test_what_came_out_stays_as_it_is(denoiser):
    """The caller may keep the arrays: they are no view of a buffer that the next hop fills."""
    stream = denoiser.stream()
    parts = [stream.feed(hop) for hop in of_size(NOISY[: 50 * HOP], HOP)]
    np.testing.assert_array_equal(np.concatenate([*parts, stream.flush()]), cleaned(denoiser.stream(), NOISY[: 50 * HOP]))


def test_a_flushed_stream_takes_no_more(denoiser):
    stream = denoiser.stream()
    stream.flush()
    with pytest.raises(ValueError, match="flushed"):
        stream.feed(NOISY)
    with pytest.raises(ValueError, match="flushed"):
        stream.flush()


def test_two_channels_are_refused(denoiser):
    with pytest.raises(ValueError, match="one dimension"):
        denoiser.stream().feed(np.zeros((480, 2), np.float32))


def test_lsnr_tells_speech_from_noise(denoiser):
    clean, noise = MIXES[0].clean, np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.05

    def loudest_lsnr(samples):
        stream = denoiser.stream()
        seen = []
        for hop in of_size(samples[:RATE], HOP):
            stream.feed(hop)
            seen.append(stream.lsnr)
        return max(seen[20:])

    assert loudest_lsnr(noise) < 0 < 15 < loudest_lsnr(clean) <= 35
