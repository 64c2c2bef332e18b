"""A friend goes live: what other pages show, what the service worker shows, and the settings in all states of a browser."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OUTSIDE_NAME
from tests.e2e.looks import look
from tests.webapp.support.push_service import Browser

SUBSCRIBED = """(() => {
    const keys = KEYS;
    let made = null;
    const subscription = {
        toJSON: () => ({ endpoint: keys.endpoint, keys }),
        unsubscribe: async () => { made = null; },
    };
    PushManager.prototype.getSubscription = async () => made;
    PushManager.prototype.subscribe = async () => made = subscription;
})()"""
"""Stands for a browser that can reach its push service; the browser of the tests cannot."""

SHOWN = """async () => {
    const registration = await navigator.serviceWorker.ready;
    for (let tries = 0; tries < 300; tries += 1) {
        const shown = await registration.getNotifications();
        if (shown.length) return shown.map((each) => [each.title, each.body, each.data]);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}"""


@pytest.fixture
def settings(join):
    """Opens the settings of somebody with two friends, in a browser that runs `script` first."""

    def settings(*, allowed: bool = True, script: str = "", **options):
        nora = join("nora", viewport={"width": 1280, "height": 900}, **options)
        for name in ("Marta Kowalczyk", "Grandma Rosa"):
            nora.befriend(friend := join("friend").rename(name))
            friend.leave()
        if allowed:
            nora.context.grant_permissions(["notifications"], origin=nora.url)
        if script:
            nora.context.add_init_script(script)
        nora.open("/settings/notifications")
        return nora

    return settings


def test_other_pages_say_that_a_friend_is_live_and_lead_there(friends, join):
    alice, bob = friends
    dora = join("dora")
    dora.befriend(alice)
    bob.page.set_viewport_size({"width": 1280, "height": 900})
    bob.open("/recordings/")
    dora.open(f"/listen/{alice.username}")
    alice.go_live("Morning show")
    bar = bob.page.get_by_role("region", name="A friend is live")
    expect(bar).to_contain_text(f"{alice.username} is live")
    expect(bar).to_contain_text("Morning show")
    expect(bob.page.get_by_role("status")).to_have_text(f"{alice.username} is live")
    problems = look(bob.page, "live-bar")
    expect(dora.page.get_by_role("button", name="Pause")).to_be_visible()
    expect(dora.page.get_by_role("region", name="A friend is live")).to_be_hidden()
    bar.get_by_role("link", name=f"Listen to {alice.username}").click()
    expect(bob.page.get_by_role("button", name="Pause")).to_be_visible()
    expect(bar).to_be_hidden()
    assert not problems, "\n".join(problems)


def test_a_notice_ends_with_the_stream_or_is_closed(friends):
    alice, bob = friends
    bob.open("/recordings/")
    bar = bob.page.get_by_role("region", name="A friend is live")
    alice.go_live()
    expect(bar).to_be_visible()
    alice.stop()
    expect(bar).to_be_hidden()


def test_a_page_in_the_background_says_so_and_misses_nothing(join):
    alice, bob = join("alice"), join("bob")
    alice.open("/")
    look_away = """(hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with alice.page.expect_request(lambda request: "/events?" in request.url and "watching=0" in request.url):
        alice.page.evaluate(look_away, True)
    bob.call("POST", "/api/friend-request/send", {"username": alice.username})
    expect(alice.page.get_by_role("heading", name="Requests 1")).to_be_visible()
    with alice.page.expect_request(lambda request: "/events?after=" in request.url and "watching" not in request.url):
        alice.page.evaluate(look_away, False)


def test_a_push_is_shown_and_leads_to_the_friend_in_the_page_that_is_open(join):
    alice, bob = join("alice"), join("bob")
    alice.befriend(bob)
    bob.context.grant_permissions(["notifications"], origin=bob.url)
    bob.open("/")
    bob.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    link = f"/listen/{alice.username}"
    push(bob, {"title": "Alice is live", "body": "Morning show", "link": link})
    assert bob.page.evaluate(SHOWN) == [["Alice is live", "Morning show", link]]
    bob.page.evaluate("window.sameDocument = true")
    (worker,) = bob.context.service_workers
    worker.evaluate("link => goTo(link).catch(() => {})", link)  # the focus needs a real press
    expect(bob.page.get_by_role("heading", name=f"{alice.username} is not live.")).to_be_visible()
    assert bob.page.evaluate("window.sameDocument")


def push(person, message) -> None:
    """Hands a push message to the service worker, as the browser does after decryption."""
    devtools = person.context.new_cdp_session(person.page)
    found = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    while not found:
        person.page.wait_for_timeout(20)
    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": person.url,
            "registrationId": found[0]["registrationId"],
            "data": json.dumps(message),
        },
    )


def test_a_browser_without_a_push_service_says_so(settings):
    nora = settings()
    expect(nora.page.get_by_text("Off. You are told only while")).to_be_visible()
    problems = look(nora.page, "notifications-off")
    nora.page.get_by_role("button", name="Switch on").click()
    expect(nora.notice("Your browser could not reach its push service.")).to_be_visible()
    expect(nora.page.get_by_role("button", name="Switch on")).to_be_focused()
    problems += look(nora.page, "notifications-no-service")
    nora.problems[:] = [problem for problem in nora.problems if "incognito" not in problem]  # what Chromium says of it
    assert not problems, "\n".join(problems)


def test_notifications_are_on_until_they_are_switched_off_or_somebody_logs_out(settings):
    browser = Browser().subscription("https://8.8.8.8/nothing-is-sent-there")
    nora = settings(script=SUBSCRIBED.replace("KEYS", json.dumps(browser)))
    nora.page.get_by_role("button", name="Switch on").click()
    expect(nora.page.get_by_role("status")).to_have_text("Notifications are on in this browser.")
    nora.page.get_by_label("Grandma Rosa").uncheck()
    nora.page.get_by_role("button", name="Save").click()
    expect(nora.page.get_by_text("Saved.")).to_be_visible()
    expect(nora.page.get_by_label("Grandma Rosa")).not_to_be_checked()
    assert not (problems := look(nora.page, "notifications-on")), "\n".join(problems)
    nora.page.get_by_role("button", name="Switch off").click()
    expect(nora.page.get_by_role("button", name="Switch on")).to_be_focused()
    nora.page.get_by_role("button", name="Switch on").click()
    expect(nora.page.get_by_role("button", name="Switch off")).to_be_visible()
    nora.page.get_by_text("Account menu").locator("..").click()
    nora.page.get_by_role("button", name="Log out").click()
    expect(nora.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert nora.page.evaluate("navigator.serviceWorker.ready.then((r) => r.pushManager.getSubscription())") is None


def test_browsers_that_cannot_say_why(settings, chromium, join):
    blocked = settings(allowed=False)
    expect(blocked.page.get_by_text("Notifications are blocked for this site.")).to_be_visible()
    problems = look(blocked.page, "notifications-blocked")
    old = join("old")
    old.context.add_init_script("delete globalThis.PushManager")
    old.open("/settings/notifications")
    expect(old.page.get_by_text("This browser does not support notifications.")).to_be_visible()
    assert not problems, "\n".join(problems)


def test_without_https_there_are_none(instance, chromium, arrive):
    with chromium.launch(f"--host-resolver-rules=MAP {OUTSIDE_NAME} 127.0.0.1") as browser:
        address = instance.url.replace("127.0.0.1", OUTSIDE_NAME)
        outside = arrive("outside", url=address, browser=browser, allowed=False).register_by_hand()
        outside.open("/settings/notifications")
        expect(outside.page.get_by_text("Your browser only allows notifications on https or localhost.")).to_be_visible()
