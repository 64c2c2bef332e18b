"""Many voices in one hop: each is what it would be alone, whoever else is there."""

import numpy as np
import pytest

from agent.denoise.spectrum import HOP
from tests.agent.denoise.chunks import of_size
from tests.agent.denoise.mixes import MIXES, RATE, difference_db

HOPS = 100
VOICES = np.stack([np.stack(of_size(mix.noisy[RATE // 2 :][: HOPS * HOP], HOP)) for mix in MIXES[:7]])  # [7, 100, 480]
ROUNDING_DB = -100


def steps(engine, hops):
    """[B, hops, 480] -> the same shape."""
    return np.stack([engine.step(np.ascontiguousarray(hops[:, hop])).copy() for hop in range(hops.shape[1])], axis=1)


def each_alone(denoiser, parity, hops):
    results = []
    for voice in VOICES:
        engine = denoiser.engine(parity=parity)
        engine.join()
        results.append(steps(engine, voice[None, :hops])[0])
    return np.stack(results)


@pytest.fixture(scope="module")
def alone(denoiser):
    return each_alone(denoiser, False, HOPS)


@pytest.fixture(scope="module")
def alone_in_parity_mode(denoiser):
    return each_alone(denoiser, True, 40)


@pytest.mark.parametrize("parity", [False, True], ids=["running", "parity"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 33])
def test_a_batch_equals_its_voices_alone(denoiser, alone, alone_in_parity_mode, count, parity):
    expected = (alone_in_parity_mode if parity else alone)[:, :40]
    chosen = np.arange(count) % len(VOICES)
    together = denoiser.engine(parity=parity)
    for _ in chosen:
        together.join()
    results = steps(together, VOICES[chosen, :40])
    for row, voice in enumerate(chosen):
        assert difference_db(results[row].ravel(), expected[voice].ravel()) < ROUNDING_DB


def test_voices_join_and_leave_at_any_hop(denoiser, alone):
    """Voice v is there from hop 7 v to hop 60 + 5 v; the rows shift under the others all the time."""
    begin, end = [7 * voice for voice in range(7)], [60 + 5 * voice for voice in range(7)]
    engine = denoiser.engine()
    present = []
    results = [[] for _ in VOICES]
    for hop in range(HOPS):
        for voice in [voice for voice in present if end[voice] == hop]:
            engine.leave(present.index(voice))
            present.remove(voice)
        for voice in [voice for voice in range(7) if begin[voice] == hop]:
            assert engine.join() == len(present)
            present.append(voice)
        output = engine.step(np.array([VOICES[voice, hop - begin[voice]] for voice in present], np.float32).reshape(-1, HOP))
        for row, voice in enumerate(present):
            results[voice].append(output[row].copy())
    for voice in range(7):
        result = np.concatenate(results[voice])
        assert difference_db(result, alone[voice, : end[voice] - begin[voice]].ravel()) < ROUNDING_DB


def test_an_engine_without_voices_steps_to_nothing(denoiser):
    engine = denoiser.engine()
    assert engine.step(np.empty((0, HOP), np.float32)).shape == (0, HOP)
    engine.join()
    engine.leave(0)
    assert engine.step(np.empty((0, HOP), np.float32)).shape == (0, HOP)


def test_the_state_of_a_voice_is_a_value(denoiser, alone):
    """Taken out, kept while others go on, put into another engine: the voice notices nothing."""
    first = denoiser.engine()
    first.join()
    before = steps(first, VOICES[0, None, :50])[0]
    kept = first.voice(0)
    steps(first, VOICES[1, None, :10])  # the engine goes on with something else
    second = denoiser.engine()
    second.join()
    second.join()
    steps(second, VOICES[1:3, :5])
    row = second.join(kept)
    after = steps(second, np.stack([VOICES[1, 50:], VOICES[2, 50:], VOICES[0, 50:]]))[row]
    assert difference_db(np.concatenate([before, after]).ravel(), alone[0].ravel()) < ROUNDING_DB


@pytest.mark.parametrize("parity", [False, True], ids=["running", "parity"])
def test_a_kept_voice_goes_on_bit_for_bit(denoiser, parity):
    engine = denoiser.engine(parity=parity)
    engine.join()
    steps(engine, VOICES[0, None, :31])
    kept = engine.voice(0)
    expected = steps(engine, VOICES[0, None, 31:60])
    for _ in range(2):  # the value is not used up
        again = denoiser.engine(parity=parity)
        again.join(kept)
        np.testing.assert_array_equal(steps(again, VOICES[0, None, 31:60]), expected)


def test_a_silenced_neighbour_changes_nothing(denoiser, alone):
    engine = denoiser.engine()
    engine.join()
    engine.join()
    engine.set_strength(1, 0, at_once=True)
    neighbour = np.zeros_like(VOICES[0])
    together = steps(engine, np.stack([VOICES[0], neighbour]))
    assert difference_db(together[0].ravel(), alone[0].ravel()) < ROUNDING_DB
    np.testing.assert_array_equal(together[1], neighbour)


def test_results_belong_to_the_hop_three_or_five_steps_before(denoiser):
    for parity, delay in ((False, 3), (True, 5)):
        engine = denoiser.engine(parity=parity)
        engine.join()
        engine.set_strength(0, 0, at_once=True)
        assert engine.delay_hops == delay
        np.testing.assert_allclose(steps(engine, VOICES[0, None])[0, delay:], VOICES[0, :-delay], atol=1e-6)
