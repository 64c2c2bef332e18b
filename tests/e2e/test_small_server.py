"""More people want to stream than the server can clean: who comes too late is told, and comes on when a place is free."""

import pytest
from playwright.sync_api import expect

from tests.instance import started


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """It cleans one stream at once."""
    with started(tmp_path_factory.mktemp("small"), STILLAIR_CAPACITY="1") as running:
        yield running


def test_who_finds_no_place_is_told_and_is_live_when_one_is_free(join):
    alice, bob = join("alice"), join("bob")
    alice.go_live()
    bob.open("/live")
    bob.page.get_by_role("button", name="Start Streaming").click()
    full = bob.notice("The server can clean one stream at once and it is in use.")
    expect(full).to_be_visible()
    bob.expect_state("Starting")
    alice.expect_state("Live - noise removed")
    alice.stop()
    bob.expect_state("Live - noise removed")
    expect(full).to_be_hidden()
