"""A log-in with another browser: the owner hears of it, finds it in the settings and ends it."""

from playwright.sync_api import expect

from tests.e2e.looks import look


def test_a_log_in_elsewhere_is_seen_and_ended(join, arrive):
    alice = join("alice", viewport={"width": 1280, "height": 900})
    other = arrive("other").log_in(alice.username)
    other.open("/")
    expect(other.page.get_by_text("New log-in")).to_have_count(0)

    alice.open("/")
    alice.page.evaluate("window.sameDocument = true")
    told = alice.page.get_by_role("heading", name="New log-in: Chrome on Linux, the server's own machine.")
    expect(told).to_be_visible()
    problems = look(alice.page, "account-notice")
    alice.page.get_by_role("link", name="Look at log-ins").click()
    main = alice.page.get_by_role("main")
    expect(main.get_by_role("listitem").filter(has_text="This browser")).to_have_count(1)
    problems += look(alice.page, "log-ins")
    alice.page.get_by_role("button", name="I know").click()
    expect(main.get_by_role("heading", name="Log-ins")).to_be_visible()
    expect(told).to_have_count(0)

    main.get_by_role("button", name="End Chrome on Linux").click()
    expect(alice.page.get_by_text("That browser is logged out.")).to_be_visible()
    expect(main.get_by_role("listitem").filter(has_text="Chrome on Linux")).to_have_count(1)
    assert alice.page.evaluate("window.sameDocument")  # what plays goes on playing
    other.page.goto(f"{other.url}/friends/")
    expect(other.page.get_by_role("button", name="Log in")).to_be_visible()
    assert not problems, "\n".join(problems)
