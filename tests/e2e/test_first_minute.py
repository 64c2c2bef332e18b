"""Somebody starts Stillair for the first time, has no microphone, and hears what it does."""

import io
import time

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect
from scipy.signal import correlate

from tests.e2e import sounds
from tests.e2e.people import PASSWORD
from tests.instance import started

RATE = 48_000
STEPS = """async () => {
    const press = (name) => document.querySelector(`[name=sound][value=${name}]`).click();
    for (let i = 0; i < 6; i++) {
        press(i % 2 ? "clean" : "original");
        await new Promise((done) => { setTimeout(done, 450); });
    }
}"""


@pytest.fixture(scope="module")
def began():
    return time.monotonic()


@pytest.fixture(scope="module")
def instance(began, tmp_path_factory):
    """Starts an instance in a data folder that nobody has used."""
    with started(tmp_path_factory.mktemp("fresh")) as running:
        yield running


@pytest.fixture
def visitor(chromium, arrive):
    with chromium.launch(has_microphone=False, env={"ALSA_CONFIG_PATH": "/dev/null"}) as browser:
        yield arrive("first", browser=browser, allowed=False)


@pytest.mark.alone
def test_the_noise_is_heard_and_gone_within_a_minute_of_the_start(began, visitor):
    visitor.open("/")
    expect(visitor.page.get_by_text("The first account is the admin's.")).to_be_visible()
    visitor.page.get_by_role("button", name="Play the sample").click()
    visitor.page.wait_for_function("() => heard.level() > -40", timeout=30_000)
    assert time.monotonic() - began < 60
    expect(visitor.page.get_by_role("button", name="Pause the sample")).to_be_visible()
    meter = visitor.page.get_by_role("meter", name="Noise removed")
    expect(meter).not_to_have_attribute("aria-valuenow", "0")
    reading = meter.get_attribute("aria-valuenow")
    expect(meter).not_to_have_attribute("aria-valuenow", reading)  # it moves

    start = visitor.page.evaluate("heard.mark()")
    visitor.page.evaluate(STEPS)
    heard = sounds.of_text(visitor.page.evaluate("start => heard.take(start)", start))
    clean, original = (sample(visitor, which) for which in ("clean", "original"))
    assert_changed_without_a_click_or_a_jump(heard, clean, original)

    visitor.page.get_by_label("Original").check(force=True)
    expect(meter).to_have_attribute("aria-valuetext", "0 dB")
    visitor.page.keyboard.press("b")
    expect(visitor.page.get_by_label("Clean")).to_be_checked()
    visitor.page.get_by_role("button", name="Pause the sample").click()
    visitor.page.wait_for_function("() => heard.silentFor() > 0.5")

    visitor.page.get_by_label("User name").fill("root")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Register").click()
    expect(visitor.page.get_by_text("This name is reserved. Choose another.")).to_be_visible()
    visitor.page.get_by_role("button", name="Play the sample").click()
    visitor.page.wait_for_function("() => heard.level() > -40")


def sample(visitor, which: str) -> np.ndarray:
    flac = visitor.context.request.get(f"{visitor.url}/difference/kitchen-{which}.flac").body()
    return soundfile.read(io.BytesIO(flac))[0]


def assert_changed_without_a_click_or_a_jump(heard, clean, original) -> None:
    """Checks that every moment is the clean sound, the original or between the two, all from one place in time."""
    mean = np.tile((clean + original) / 2, 2)
    place = int(np.argmax(correlate(mean, heard[: RATE // 2], mode="valid", method="fft")))
    low, high = (np.tile(bound(clean, original), 3)[place : place + len(heard)] for bound in (np.minimum, np.maximum))
    outside = np.maximum(low - heard, heard - high)
    assert np.mean(outside > 0.002) < 0.001, "more than a thousandth is neither"
    differs = np.abs(heard - np.tile(clean, 3)[place : place + len(heard)]) > 0.01
    assert 0.1 < np.mean(differs) < 0.9, "both have been heard"
