"""The pages as an app: Chromium's judgement, the page without a network, and all that must go past the service worker."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import look
from tests.webapp.support.recordings_on_disk import record

KEPT = """async () => {
    const requests = [];
    for (const name of await caches.keys()) requests.push(...await (await caches.open(name)).keys());
    return requests.map((request) => request.url);
}"""


@pytest.fixture
def alice(join):
    """Registers Alice and opens a page that the service worker serves."""
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.open("/")
    alice.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    return alice


def test_chromium_finds_the_app_installable(alice):
    devtools = alice.context.new_cdp_session(alice.page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["url"] == f"{alice.url}/manifest.webmanifest"
    assert manifest["errors"] == []
    problems = {error["errorId"] for error in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert problems <= {"in-incognito"}, "every profile of these tests is one"


def test_without_a_network_there_is_a_page_that_leads_back(alice):
    alice.context.set_offline(True)
    alice.open("/recordings/")
    expect(alice.page.get_by_role("heading", name="You are offline.")).to_be_visible()
    problems = look(alice.page, "offline")
    alice.context.set_offline(False)
    alice.page.get_by_role("link", name="Try again").click()
    expect(alice.page.get_by_role("heading", name="Recordings", level=1)).to_be_visible()
    assert not problems, "\n".join(problems)


def test_sound_downloads_and_events_go_past_the_service_worker(instance, alice, join):
    recording = record(instance.data / "recordings", alice.username)
    alice.open("/recordings/")
    expect(alice.page.locator(f"[data-recording='{recording}']")).to_be_visible()
    ranged = "path => fetch(path, { headers: { Range: 'bytes=0-3' } }).then(async (a) => [a.status, await a.text()])"
    assert alice.page.evaluate(ranged, f"/recordings/{recording}/audio") == [206, "fLaC"]
    with alice.page.expect_download() as started:
        alice.page.evaluate("path => { location = path }", f"/recordings/{recording}/audio?download=1")
    assert started.value.path().read_bytes()[:4] == b"fLaC"
    join("bob").call("POST", "/api/friend-request/send", {"username": alice.username})
    expect(alice.page.get_by_role("heading", name="Requests 1")).to_be_visible()
    paths = [address.removeprefix(alice.url) for address in alice.page.evaluate(KEPT)]
    assert paths == ["/offline", *(f"/static/css/{name}.css?offline" for name in ("tokens", "base", "components"))]
