"""An invite link from one browser to the other, and names that change while pages are open."""

import re

from playwright.sync_api import expect


def test_a_link_that_is_copied_makes_its_finder_a_friend(instance, join, arrive):
    alice, bob = join("alice"), arrive("bob")
    alice.open("/")
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=instance.url)
    alice.page.get_by_role("main").get_by_role("button", name="Make an invite link").click()
    alice.page.get_by_role("button", name="Copy").click()
    expect(alice.page.get_by_role("button", name="Copied")).to_be_visible()
    expect(alice.page.get_by_role("status")).to_have_text("Copied.")
    link = alice.page.evaluate("navigator.clipboard.readText()")
    assert link == alice.page.get_by_label("Invite link").input_value()

    bob.page.goto(link)
    expect(bob.page.get_by_role("heading", name=f"{alice.username} invites you")).to_be_visible()
    bob.page.get_by_label("User name").fill(bob.username)
    bob.page.get_by_label("Password").fill("a sentence is fine")
    bob.page.get_by_role("button", name="Register").click()
    expect(bob.page.get_by_text(f"Welcome. You and {alice.username} are friends now.")).to_be_visible()
    expect(alice.in_sidebar(bob)).to_be_visible(timeout=2000)
    expect(bob.in_sidebar(alice)).to_be_visible()


def test_a_new_name_reaches_the_pages_that_are_open(friends):
    alice, bob = friends
    alice.go_live()
    bob.listen_to(alice)
    expect(alice.page.get_by_role("listitem").filter(has_text=bob.username)).not_to_have_count(0)
    bob.page.evaluate("window.sameDocument = true")
    other_tab = alice.new_tab()
    alice.rename_by_hand("Alice Ødegård")
    main = bob.page.get_by_role("main")
    expect(main.get_by_text("Alice Ødegård", exact=True).filter(visible=True).first).to_be_visible(timeout=2000)
    expect(main.locator("[data-view] [data-face-of]")).to_have_text("AØ")
    expect(bob.page.get_by_role("link", name="Listening to Alice Ødegård")).to_be_visible(timeout=2000)
    expect(other_tab.locator(".account")).to_contain_text("Alice Ødegård")
    assert bob.page.evaluate("window.sameDocument")

    listening = bob.new_tab()
    bob.rename_by_hand("Bob Brown")
    expect(other_tab.get_by_role("main").get_by_role("listitem").filter(has_text="Bob Brown")).to_be_visible(timeout=2000)
    listening.get_by_role("link", name="Stillair").click()
    expect(listening.get_by_role("region", name="Listening")).to_contain_text(re.compile("Alice Ødegård"))
