"""An access token from the settings page, and the page that says how to use one."""

import json
import urllib.request

from playwright.sync_api import expect

from tests.e2e.looks import look


def test_a_token_is_made_used_and_revoked(instance, join):
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.open("/settings/tokens")
    alice.page.evaluate("window.sameDocument = true")
    main = alice.page.get_by_role("main")
    main.get_by_role("button", name="Make a token").click()
    alice.page.get_by_label("Name", exact=True).fill("Lights in the kitchen")
    main.get_by_role("button", name="Make a token").click()
    token = alice.page.get_by_label("Your new token").input_value()
    expect(main.get_by_role("listitem").filter(has_text="Lights in the kitchen")).to_contain_text("Never used.")
    assert alice.page.evaluate("window.sameDocument")  # what plays goes on playing
    problems = look(alice.page, "tokens")

    asked = urllib.request.Request(f"{instance.url}/api/session", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["user"]["username"] == alice.username

    alice.page.get_by_role("link", name="How to use one").click()
    expect(alice.page.get_by_role("heading", name="API", level=1)).to_be_visible()
    alice.page.locator("summary").filter(has_text="/api/stream/start").click()
    expect(alice.page.get_by_text("strength_db").first).to_be_visible()
    problems += look(alice.page, "api")
    alice.page.go_back()
    expect(main.get_by_role("listitem").filter(has_text="Lights in the kitchen")).to_contain_text("Last used today")
    expect(alice.page.get_by_label("Your new token")).to_have_count(0)
    main.get_by_role("button", name="Revoke Lights in the kitchen").click()
    expect(alice.page.get_by_text("Revoked. That token no longer works.")).to_be_visible()
    assert not problems, "\n".join(problems)
