from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e import sounds
from tests.e2e.chromium import Chromium
from tests.e2e.people import ADMIN, Person, make_admin
from tests.instance import started

OUTSIDE_NAME = "air.test"
"""A host name that is not localhost, for what browsers allow only on https. A flag tells Chromium how to resolve it."""


expect.set_options(timeout=15_000)
"""Where a bound is a promise of the product, the test states it; this one is for machines that have other work, too."""


@pytest.fixture(scope="session")
def instance(tmp_path_factory):
    """Starts one whole Stillair for all tests of this folder (tests/instance.py)."""
    settings = {"STILLAIR_TRUSTED_HOSTS": OUTSIDE_NAME, "STILLAIR_REGISTRATIONS_PER_HOUR": "10000"}
    with started(tmp_path_factory.mktemp("stillair"), **settings) as running:
        make_admin(running.url, running.set_up_token)
        yield running


@pytest.fixture(scope="session")
def source():
    """Makes the sound that the fake microphone repeats."""
    return sounds.noisy_speech()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory, source) -> Iterator[Chromium]:
    microphone = sounds.write_wav(tmp_path_factory.mktemp("microphone") / "noisy.wav", source)
    with sync_playwright() as playwright:
        yield Chromium(playwright, microphone)


@pytest.fixture(scope="session")
def browser(chromium) -> Iterator[Browser]:
    """Starts a browser in which sound may play without a press, as in one that knows the site."""
    with chromium.launch("--autoplay-policy=no-user-gesture-required") as running:
        yield running


@pytest.fixture
def arrive(instance, browser):
    """Opens browser profiles for people who have not registered, and fails if anything went wrong in one during the test."""
    people: list[Person] = []

    def arrive_(name: str, *, url: str = instance.url, browser: Browser = browser, **context_options) -> Person:
        people.append(Person.arrive(browser, url, name, **context_options))
        return people[-1]

    yield arrive_
    for person in people:
        if person.context.browser and person.context.browser.is_connected():
            person.leave()
    assert not [problem for person in people for problem in person.real_problems]


@pytest.fixture
def join(arrive):
    """Opens browser profiles for people and registers them."""
    return lambda name, **options: arrive(name, **options).register()


@pytest.fixture
def admin(arrive) -> Person:
    """Logs in as the admin, who has the first account."""
    return arrive(ADMIN).log_in(ADMIN)


@pytest.fixture
def friends(join) -> tuple[Person, Person]:
    """Registers Alice, who will stream, and Bob, who will listen."""
    alice, bob = join("alice"), join("bob")
    alice.befriend(bob)
    return alice, bob
