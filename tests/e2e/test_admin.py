"""The admin's pages, as they look and as they work: a stream that is ended, a reset link that is handed over."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import look
from tests.e2e.people import ADMIN, PASSWORD
from tests.e2e.test_looks import LONG_NAME, LONG_TITLE, TOO_SMALL

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def admin(arrive):
    return arrive(ADMIN, viewport=DESK).log_in(ADMIN)


def end_all_streams(admin):
    """Ends what other tests have left: a stream outlives its browser by a minute."""
    admin.open("/admin/live")
    buttons = admin.page.get_by_role("button", name="End the stream of")
    for left in reversed(range(buttons.count())):
        buttons.first.click()
        expect(buttons).to_have_count(left)


def test_the_admin_ends_a_stream_and_suspends_its_owner(admin, join):
    problems = []
    end_all_streams(admin)
    expect(admin.page.get_by_text("Nobody is on air.")).to_be_visible()
    problems += look(admin.page, "admin-live-empty")
    alice = join("alice", viewport=DESK).rename(LONG_NAME)
    alice.go_live(LONG_TITLE)
    admin.page.get_by_role("link", name="Status").click()
    expect(admin.page.get_by_role("heading", name="Noise remover")).to_be_visible()
    problems += look(admin.page, "admin-status")
    admin.page.get_by_role("link", name="Live streams").click()
    expect(admin.page.get_by_text(LONG_TITLE)).to_be_visible()
    problems += look(admin.page, "admin-live")
    admin.page.get_by_role("button", name=f"End the stream of {LONG_NAME}").click()
    expect(admin.page.get_by_text("Nobody is on air.")).to_be_visible()
    expect(alice.notice("The admin has ended your stream. Your recording is safe.")).to_be_visible()
    alice.expect_state("Ended")
    problems += look(alice.page, "live-ended-by-admin")

    admin.open(f"/admin/people/{alice.username}")
    problems += look(admin.page, "admin-person")
    admin.page.get_by_role("button", name="Suspend").click()
    expect(admin.page.get_by_text("unable to log in.").first).to_be_visible()
    problems += look(admin.page, "admin-person-suspended")
    alice.open("/")
    alice.page.get_by_label("User name").fill(alice.username)
    alice.page.get_by_label("Password").fill(PASSWORD)
    alice.page.get_by_role("button", name="Log in").click()
    expect(alice.page.get_by_text("The admin has suspended your account.")).to_be_visible()
    problems += look(alice.page, "login-suspended")
    assert not problems, "\n".join(problems)


def test_a_reset_link_is_handed_over(admin, join, arrive, instance):
    problems = []
    bob = join("bob")
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=instance.url)
    admin.open(f"/admin/people/{bob.username}")
    admin.page.get_by_role("link", name="Reset link").click()
    admin.page.get_by_role("button", name="Make a reset link").click()
    admin.page.get_by_role("button", name="Copy").click()
    expect(admin.page.get_by_role("button", name="Copied")).to_be_visible()
    link = admin.page.evaluate("navigator.clipboard.readText()")
    problems += look(admin.page, "admin-reset-link")
    admin.page.reload()
    expect(admin.page.get_by_role("button", name="Make a reset link")).to_be_visible()

    somebody = arrive("somebody", viewport=DESK)
    somebody.open("/login")
    somebody.page.get_by_role("link", name="Forgotten password?").click()
    expect(somebody.page.get_by_text("Ask the admin of this server for a reset link.")).to_be_visible()
    problems += look(somebody.page, "forgot")
    somebody.page.goto(link)
    problems += look(somebody.page, "reset")
    somebody.page.get_by_label("New password", exact=True).fill("another sentence")
    somebody.page.get_by_role("button", name="Save").click()
    expect(somebody.page.get_by_text("Your new password is saved.")).to_be_visible()
    somebody.page.goto(link)
    expect(somebody.page.get_by_text("This link has been used")).to_be_visible()
    assert not problems, "\n".join(problems)


def test_the_other_pages(admin, join):
    problems = []
    for number in range(3):
        join(f"friend-{number}").rename(LONG_NAME).leave()
    admin.open("/")
    admin.page.get_by_text("Account menu").locator("..").click()
    admin.page.get_by_role("link", name="Admin", exact=True).click()
    for name, path in (
        ("people", "/admin/people/?q=friend"),
        ("people-none", "/admin/people/?q=zzzz"),
        ("storage", "/admin/storage"),
        ("registration", "/admin/registration"),
        ("log", "/admin/log"),
    ):
        admin.open(path)
        problems += look(admin.page, f"admin-{name}")
    admin.page.set_viewport_size(PHONE)
    admin.open("/admin/people/?q=friend")
    admin.page.get_by_role("link", name=LONG_NAME).first.click()
    admin.page.get_by_role("link", name="Delete").click()
    admin.page.get_by_label("User name").fill("somebody else")
    admin.page.get_by_role("button", name="Delete for good").click()
    expect(admin.page.get_by_text("Nothing was deleted.")).to_be_visible()
    problems += look(admin.page, "admin-delete")
    assert not problems, "\n".join(problems)


def test_a_phone_has_controls_for_fingers(arrive):
    admin = arrive(ADMIN, viewport=PHONE, is_mobile=True, has_touch=True).log_in(ADMIN)
    small = {}
    for path in ("/admin/", f"/admin/people/{ADMIN}", "/admin/people/", "/admin/registration", "/admin/log"):
        admin.open(path)
        small[path] = admin.page.evaluate(TOO_SMALL)
    assert not any(small.values()), small
