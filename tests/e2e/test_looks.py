"""Every page and state in both themes, on a desk and on a phone (tests/e2e/looks.py); fingers find every control."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import PICTURES, look

LONG_NAME = "Pneumonoultramicroscopicsilicovolcanoconiosis-Hubertus-Blaine X."
LONG_TITLE = "The long one about the allotment, the committee, the minutes of the committee, and the missing wheelbarrow"

TOO_SMALL = """() => [...document.querySelectorAll("button, a, summary, select, input:not([type=range]), label.check")]
    .filter((e) => e.checkVisibility({ contentVisibilityAuto: true }) && !e.closest("p, label > *"))
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([e, box]) => box.height > 2 && (box.height < 43.5 || box.width < 43.5))
    .map(([e]) => e.outerHTML.slice(0, 100))"""


@pytest.fixture
def nora(join):
    """Registers Nora, who has friends, requests in both directions and long names on her pages."""
    nora = join("nora", viewport={"width": 1280, "height": 900}).rename("Nora Lindqvist")
    for name in ("Grandma Rosa", "Łukasz Wiśniewski", LONG_NAME):
        nora.befriend(friend := join("friend").rename(name))
        friend.leave()
    for name in ("Ingrid Solheim", "Bartholomew Featherstonehaugh-Ndiaye"):
        asking = join("asking").rename(name)
        asking.call("POST", "/api/friend-request/send", {"username": nora.username})
        asking.leave()
    asked = join("asked").rename("Yuki Tanaka")
    nora.call("POST", "/api/friend-request/send", {"username": asked.username})
    asked.leave()
    return nora


def test_pages_without_any_stream(arrive, nora):
    problems = []
    visitor = arrive("visitor", viewport={"width": 1280, "height": 900})
    link = invite_link(nora)
    for name, path in (
        ("login", "/login"),
        ("register", "/register"),
        ("register-invited", link),
        ("invite-unknown", "/invite/x"),
        ("difference", "/difference"),
    ):
        visitor.open(path)
        problems += look(visitor.page, name)
    visitor.open("/register")
    visitor.page.get_by_label("User name").fill("x")
    visitor.page.evaluate("document.querySelector('main form').noValidate = true")
    visitor.page.get_by_role("button", name="Register").click()
    expect(visitor.page.get_by_text("Use 3 to 32 letters, digits, - or _.", exact=True)).to_be_visible()
    problems += look(visitor.page, "register-refused")
    visitor.register_by_hand()
    problems += look(visitor.page, "home-empty")
    visitor.open("/recordings/")
    problems += look(visitor.page, "recordings-empty")
    visitor.open(link)
    problems += look(visitor.page, "invite")
    for name, path in (
        ("home-quiet", "/"),
        ("search", "/search?q=friend"),
        ("search-nobody", "/search?q=zzzz"),
        ("live-idle", "/live"),
        ("settings", "/settings/"),
        ("settings-recording", "/settings/recording"),
        ("password", "/settings/password"),
        ("invites", "/invites"),
        ("missing", "/nothing-here"),
        ("recordings-none-found", "/recordings/friends?q=zzzz"),
    ):
        nora.open(path)
        problems += look(nora.page, name)
    assert not problems, "\n".join(problems)


def invite_link(inviter) -> str:
    inviter.open("/invites")
    inviter.page.get_by_role("button", name="Make an invite link").click()
    return "/invite/" + inviter.page.get_by_label("Invite link").input_value().rpartition("/")[2]


def test_pages_while_somebody_is_live(nora, join):
    problems = []
    marta = join("marta", viewport={"width": 1280, "height": 900}).rename("Marta Kowalczyk")
    marta.befriend(nora)
    marta.open("/live")
    marta.page.get_by_role("button", name="Sound check").click()
    marta.expect_state("Sound check")
    problems += look(marta.page, "live-check")
    marta.page.get_by_role("button", name="Cancel").click()
    marta.go_live(LONG_TITLE)
    nora.open("/")
    expect(nora.page.get_by_role("main").get_by_role("heading", name=LONG_TITLE, level=1)).to_be_visible()
    problems += look(nora.page, "home-live")
    nora.listen_to(marta)
    nora.hears_speech(within_s=10)
    problems += look(nora.page, "listen")
    expect(marta.page.get_by_role("heading", name="1 listening")).to_be_visible()
    problems += look(marta.page, "live")
    nora.page.get_by_role("link", name="Stillair").click()
    expect(nora.page.get_by_role("region", name="Listening")).to_be_visible()
    problems += look(nora.page, "home-listening")
    marta.page.get_by_role("button", name="Mute", exact=True).click()
    expect(marta.notice("You are muted.")).to_be_visible()
    problems += look(marta.page, "live-muted")
    marta.page.get_by_role("link", name="Stillair").click()
    expect(marta.page.get_by_role("link", name="back to your stream")).to_be_visible()
    problems += look(marta.page, "home-own-stream")
    marta.page.get_by_role("link", name="back to your stream").click()
    nora.page.get_by_role("link", name="back to the stream").click()
    marta.stop()
    problems += look(marta.page, "live-ended")
    expect(nora.page.get_by_role("button", name="Play the recording")).to_be_visible()
    problems += look(nora.page, "listen-ended")
    nora.page.get_by_role("button", name="Play the recording").click()
    expect(nora.page.get_by_role("region", name="Player").get_by_role("button", name="Pause")).to_be_visible()
    problems += look(nora.page, "listen-recording")
    marta.open("/recordings/")
    expect(marta.page.get_by_role("heading", name=LONG_TITLE)).to_be_visible()
    problems += look(marta.page, "recordings")
    marta.page.get_by_text("More for").locator("..").click()
    problems += look(marta.page, "recordings-menu")
    for name, action in (("share", "Share with"), ("clip", "Clip"), ("heard", "Heard by 1")):
        marta.page.get_by_role("link", name=action, exact=True).click()
        expect(marta.page.get_by_role("heading", level=1)).to_have_text(action.removesuffix(" 1"))
        if name == "share":
            marta.page.get_by_label("Friends I choose").check()
        problems += look(marta.page, f"recording-{name}")
        marta.open("/recordings/")
        marta.page.get_by_text("More for").locator("..").click()
    marta.page.get_by_role("button", name="Delete").click()
    expect(marta.page.get_by_text("Deleted:")).to_be_visible()
    marta.page.screenshot(path=PICTURES / "recordings-deleted-1280-light.png")
    assert not problems, "\n".join(problems)


def test_a_phone_has_controls_for_fingers(browser, join):
    alice = join("alice", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    small = {}
    for path in (
        "/",
        "/live",
        "/search?q=al",
        "/recordings/",
        "/settings/",
        "/settings/recording",
        "/settings/password",
        "/settings/privacy",
        "/settings/appearance",
        "/settings/keyboard",
        "/settings/delete-account",
    ):
        alice.open(path)
        small[path] = alice.page.evaluate(TOO_SMALL)
    assert not any(small.values()), small


def test_trouble_with_the_microphone_looks_like_the_rest(join):
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.context.clear_permissions()
    alice.open("/live")
    alice.page.get_by_role("button", name="Start Streaming").click()
    expect(alice.notice("The microphone is blocked for this site.")).to_be_visible()
    assert not (problems := look(alice.page, "live-blocked")), "\n".join(problems)
