"""The whole story with the keyboard alone: no mouse, no touch, nothing but keys."""

from playwright.sync_api import Page, expect

from tests.e2e.people import PASSWORD

# What a screen reader says of the focused element, near enough for the pages' own controls.
FOCUSED = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return "";
    const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
    return label.replace(/\\s+/g, " ").trim();
}"""
VISIBLE = """() => {
    const box = document.activeElement.getBoundingClientRect();
    const ringed = [document.activeElement, document.activeElement.closest("label")].filter((e) => e);
    const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return { inView: box.bottom > 0 && box.top < innerHeight,
             ring: ringed.some((e) => getComputedStyle(e).outlineStyle !== "none"),
             covered: !(middle?.contains(document.activeElement) || document.activeElement.contains(middle)
                        || middle?.closest("label")?.contains(document.activeElement)) };
}"""
MAX_STEPS = 60


class Keys:
    """Presses keys, as somebody at a keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, name: str, *, backwards: bool = False) -> "Keys":
        """Presses Tab until the control with this name has the focus, and checks that it is visible and not covered."""
        seen = []
        for _ in range(MAX_STEPS):
            if (now := self.page.evaluate(FOCUSED)) == name:
                seen_as = self.page.evaluate(VISIBLE)
                assert seen_as == {"inView": True, "ring": True, "covered": False}, (name, seen_as)
                return self
            seen.append(now)
            self.press("Shift+Tab" if backwards else "Tab")
        raise AssertionError(f"{name} is not reached by Tab; there were {seen}")

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)


def register(person) -> Keys:
    keys = Keys(person.page)
    person.open("/register")
    keys.go_to("User name").type(person.username)
    keys.go_to("Password").type(PASSWORD)
    keys.go_to("Register").press("Enter")
    expect(person.page.get_by_role("heading", name="Quiet in here.")).to_be_visible()
    return keys


def test_the_whole_story_by_keyboard(arrive):
    alice, bob = arrive("alice"), arrive("bob")
    hers, his = register(alice), register(bob)

    hers.press("Tab")
    assert alice.page.evaluate(FOCUSED) == "Skip to content"
    hers.press("Enter")
    expect(alice.page.locator("main")).to_be_focused()
    hers.press("/")
    expect(alice.page.get_by_label("Search users")).to_be_focused()
    hers.type(bob.username)
    hers.press("Enter")
    expect(alice.page.get_by_role("heading", name="Search users")).to_be_visible()
    hers.go_to(f"Friend request to {bob.username}").press("Enter")
    expect(alice.page.get_by_text(f"Friend request sent to {bob.username}.")).to_be_visible()
    his.go_to(f"Accept {alice.username}").press("Enter")
    expect(bob.page.get_by_text(f"You and {alice.username} are friends now.")).to_be_visible()

    hers.go_to("Start Streaming").press("Enter")
    expect(alice.page.get_by_role("heading", name="Not live", level=1)).to_be_visible()
    hers.go_to("Title").type("Kitchen radio")
    hers.go_to("Sound check").press("Space")
    alice.expect_state("Sound check")
    assert alice.page.evaluate(FOCUSED) == "Start Streaming", "the focus goes on to the next step"
    hers.press("Enter")
    alice.expect_state("Live - noise removed")
    hers.press("m")
    expect(alice.page.get_by_role("button", name="Mute", exact=True)).to_have_attribute("aria-pressed", "true")
    hers.press("m", "b")
    expect(alice.page.get_by_role("radio", name="Original", exact=True)).to_be_checked()
    hers.press("b", "h")
    expect(alice.page.get_by_role("button", name="Hear what friends hear")).to_have_attribute("aria-pressed", "false")

    his.go_to(f"Listen to {alice.username}").press("Enter")
    bob.hears_speech(within_s=15)
    his.go_to("Pause").press("Space")
    expect(bob.page.get_by_role("button", name="Play", exact=True)).to_be_focused()
    his.press("Space")
    expect(bob.page.get_by_role("button", name="Pause")).to_be_focused()
    his.go_to("Volume")
    his.press("ArrowLeft")
    expect(bob.page.get_by_role("slider", name="Volume")).to_have_attribute("aria-valuetext", "99 percent")

    hers.go_to("Stop Streaming", backwards=True).press("Enter")
    alice.expect_state("Ended")
    expect(bob.page.get_by_role("heading", name=f"{alice.username}'s stream has ended.")).to_be_visible(timeout=5000)
    his.go_to("Play the recording", backwards=True).press("Enter")
    player = bob.page.get_by_role("region", name="Player")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    his.go_to("Seek").press("Home")
    his.press("ArrowRight")
    expect(player.get_by_role("slider", name="Seek")).not_to_have_value("0")
    his.press("Escape")
