"""A minute of one broadcast, sample by sample as far as a codec lets it be seen."""

import asyncio
import time

import numpy as np
import pytest

from contract.messages import AGENT_NAME
from tests.integration.live.people import until
from tests.integration.live.sounds import longest_silence_s, moments, progress, sweep

SECONDS = 60


@pytest.mark.alone
async def test_a_minute_arrives_whole_and_in_order_on_one_clean_track(worker, new_broadcast):
    broadcast = await new_broadcast().open(strength_db=0)  # the whole path, but the tone is not taken for noise
    await broadcast.speaker(sweep(2))
    listener = await broadcast.listener()
    began = time.monotonic()
    await until(lambda: listener.loud_since(began), 10, "sound")
    await asyncio.sleep(2)  # the listener's jitter buffer settles
    start = time.monotonic()
    await asyncio.sleep(SECONDS)
    found = moments(listener.newest.since(start))
    assert len(found) * 0.010 > SECONDS - 1
    assert longest_silence_s(found) <= 0.040
    ahead = progress(found)
    assert len(ahead) > 0.9 * len(found)
    assert np.nanmax(ahead) <= 0.040  # nothing was left out
    assert np.nanmin(ahead) >= -0.040  # nothing came twice
    assert await broadcast.published() == [(AGENT_NAME, "clean")]
    assert len(listener.tracks) == 1
