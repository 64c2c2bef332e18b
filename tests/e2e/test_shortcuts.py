"""What is at hand without looking for it: single keys, the lock screen, the volume of last time, the focus in the sidebar."""

import re

from playwright.sync_api import expect

LOCK_SCREEN = "() => { const { title, artist } = navigator.mediaSession.metadata ?? {}; return [title, artist]; }"
FOCUSED_PERSON = "document.activeElement.closest('[data-person]')?.dataset.person"


def test_keys_lock_screen_volume_and_focus(friends):
    alice, bob = friends
    bob.open("/")
    bob.in_sidebar(alice).focus()
    alice.go_live("Kitchen radio")
    expect(bob.page.get_by_role("navigation").get_by_role("link", name=f"Listen to {alice.username}")).to_be_visible()
    assert bob.page.evaluate(FOCUSED_PERSON) == alice.username  # she is in another list now

    bob.listen_to(alice)
    assert bob.page.evaluate(LOCK_SCREEN) == ["Kitchen radio", alice.username]
    volume = bob.page.get_by_role("slider", name="Volume")
    volume.fill("30")
    bob.page.keyboard.press("/")
    expect(bob.page.get_by_label("Search users")).to_be_focused()
    bob.page.reload()
    expect(volume).to_have_attribute("aria-valuetext", "30 percent")
    expect(alice.page.locator("#listeners").get_by_text(bob.username, exact=True)).to_be_visible()

    title = alice.page.get_by_label("Title")
    title.press("m")
    expect(alice.page.get_by_role("button", name="Mute", exact=True)).to_have_attribute("aria-pressed", "false")
    title.press("Enter")
    title.blur()
    alice.page.keyboard.press("h")
    expect(alice.page.get_by_role("button", name="Hear what friends hear")).to_have_attribute("aria-pressed", "true")
    alice.page.keyboard.press("b")
    expect(alice.page.get_by_role("radio", name="Original", exact=True)).to_be_checked()
    alice.page.keyboard.press("b")
    expect(alice.page.get_by_role("radio", name="Clean", exact=True)).to_be_checked()
    expect(bob.page.get_by_role("heading", level=1, name=re.compile("^Kitchen radio ?m|^mKitchen radio"))).to_be_visible()
