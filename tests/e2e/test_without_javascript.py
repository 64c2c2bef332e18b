"""Everything but streaming, listening and live updates works in a browser that runs no scripts."""

import pytest
from playwright.sync_api import expect

from launcher.run.processes import wait_until
from tests.webapp.support.recordings_on_disk import record


@pytest.fixture
def plain(join):
    return lambda name: join(name, java_script_enabled=False)


def test_invite_links(plain, arrive):
    alice, bob = plain("alice"), arrive("bob", java_script_enabled=False)
    alice.open("/")
    alice.page.get_by_role("main").get_by_role("button", name="Make an invite link").click()
    field = alice.page.get_by_label("Invite link")
    expect(alice.page.get_by_role("button", name="Copy")).to_have_count(0)
    bob.page.goto(field.input_value())
    bob.page.get_by_label("User name").fill(bob.username)
    bob.page.get_by_label("Password").fill("a sentence is fine")
    bob.page.get_by_role("button", name="Register").click()
    expect(bob.page.get_by_text(f"You and {alice.username} are friends now.")).to_be_visible()


def test_recordings(instance, plain):
    alice = plain("alice")
    record(instance.data / "recordings", alice.username, title="A morning")
    assert wait_until(lambda: alice.call("GET", f"/api/recordings/{alice.username}")["recordings"], 15)
    alice.open("/recordings/")
    expect(alice.page.get_by_role("button", name="Play A morning")).to_be_visible()
    alice.page.get_by_text("More for").locator("..").click()
    with alice.page.expect_download() as download:
        alice.page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.suggested_filename.endswith(".flac")
    alice.page.get_by_role("link", name="Rename").click()
    alice.page.get_by_label("Title").fill("Another title")
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_role("heading", name="Another title")).to_be_visible()
    alice.page.get_by_text("More for").locator("..").click()
    alice.page.get_by_role("button", name="Delete").click()
    alice.page.get_by_role("button", name="Undo").click()
    expect(alice.page.get_by_role("heading", name="Another title")).to_be_visible()


def test_the_difference_can_be_heard(arrive):
    visitor = arrive("visitor", java_script_enabled=False)
    visitor.open("/difference")
    for number in range(2):
        source = visitor.page.locator("audio").nth(number).get_attribute("src")
        assert visitor.context.request.get(visitor.url + source).body().startswith(b"fLaC")
