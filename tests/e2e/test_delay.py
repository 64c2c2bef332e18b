"""How far behind the listener is: what the pages show, against what a microphone and a loudspeaker hear."""

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.live import TAP, mouth_to_ear

SECONDS = 12


def shown_s(place) -> float:
    return float(re.search(r"([\d.]+) s ", place.inner_text())[1])


@pytest.mark.alone
def test_the_delay_that_is_shown_is_the_one_that_is_heard(friends):
    alice, bob = friends
    for person in friends:
        person.context.add_init_script(TAP)
    alice.go_live()
    bob.listen_to(alice)
    listeners = bob.page.get_by_text(re.compile(rf"[\d.]+ s behind {alice.username}"))
    expect(listeners).to_be_visible(timeout=20_000)
    since = time.time() * 1000
    shown = []
    for _ in range(SECONDS):
        bob.page.wait_for_timeout(1000)
        shown.append(shown_s(listeners))
    heard_s = np.median(mouth_to_ear(alice, bob, since)) / 1000
    # What is listened at here stands before the loudspeaker's buffer, some 0.03 s, and what is shown is rounded to a tenth.
    assert -0.06 < np.median(shown) - heard_s < 0.14, (shown, heard_s)

    alice.page.get_by_role("button", name="Hear what friends hear").click()
    own = alice.page.get_by_text(re.compile(r"Friends hear you [\d.]+ s after you speak\."))
    expect(own).to_be_visible(timeout=10_000)
    assert abs(shown_s(own) - heard_s) < 0.25, "another page, another jitter buffer"
    alice.page.get_by_role("button", name="Hear what friends hear").click()
    expect(own).to_be_hidden()
