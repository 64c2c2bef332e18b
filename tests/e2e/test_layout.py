"""Nothing moves under the finger: states come and go, and what stands on the page stays where it is."""

from playwright.sync_api import Page, expect

# Chromium's own account of what has moved, that after a press included (CLS leaves it out). Lists of friends and recordings are
# in an order of their own, so what moves in them does so on purpose.
WATCH = """
    globalThis.moved = [];
    new PerformanceObserver((list) => {
        for (const { sources } of list.getEntries()) for (const { node, previousRect, currentRect } of sources) {
            const element = node instanceof Element ? node : node?.parentElement;
            if (!element?.closest("main") || element.closest(".recs")) continue;
            const [before, now] = [previousRect, currentRect].map(({ x, y }) => `${x},${y}`);
            if (before !== now) moved.push(`${before} -> ${now} ${element.outerHTML.slice(0, 120)}`);
        }
    }).observe({ type: "layout-shift" });
"""
PLACES = """(selectors) => selectors.map((selector) => {
    const { x, y, bottom } = document.querySelector(selector).getBoundingClientRect();
    return [selector, x, selector.startsWith(".hold") ? bottom : y];      // its buttons need one row or two, and grow upwards
})"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
STREAM = ["#title", "#mic", "#level", "#strength", ".sound", ".hold--stick"]
LISTENING = ["main [data-face-of]", "#h-title", ".listening", "#recordings"]
SIZES = [(390, 844), (1280, 900)]
ROUNDING_PX = 1


class Stillness:
    """Remembers where the main controls are, on a phone and on a desktop, because that is where they have to stay."""

    def __init__(self, page: Page, controls: list[str]) -> None:
        self.page, self.controls = page, controls
        page.evaluate(WATCH)
        self.places = self._places()

    def _places(self) -> dict[tuple[int, int], list]:
        found = {}
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate("scrollTo(0, 0)")
            self.page.evaluate(DRAWN)
            found[width, height] = self.page.evaluate(PLACES, self.controls)
        self.page.evaluate("moved.length = 0")  # that was another screen, not another state
        return found

    def check(self, when: str) -> list[str]:
        """Returns what has moved until now."""
        self.page.evaluate(DRAWN)
        moved = self.page.evaluate("moved")
        for size, places in self._places().items():
            for (name, *before), (_, *now) in zip(self.places[size], places, strict=True):
                if max(abs(a - b) for a, b in zip(before, now, strict=True)) > ROUNDING_PX:
                    moved.append(f"{size} {name}: {before} -> {now}")
        return [f"{when}: {each}" for each in moved]


def test_nothing_moves_from_the_start_of_a_stream_to_its_end(join):
    alice, bob = (join(name, viewport={"width": 1280, "height": 900}) for name in ("alice", "bob"))
    alice.befriend(bob)
    bob.open(f"/listen/{alice.username}")
    expect(bob.page.get_by_text("the sound starts by itself")).to_be_visible()
    alice.open("/live")
    expect(alice.page.get_by_role("meter", name="Microphone level")).not_to_have_attribute("aria-valuenow", "0")
    stream, listening = Stillness(alice.page, STREAM), Stillness(bob.page, LISTENING)
    moved = []

    alice.page.get_by_role("button", name="Start Streaming").click()
    alice.expect_state("Starting")
    moved += stream.check("starting")
    alice.expect_state("Live - noise removed")
    moved += stream.check("live")
    expect(bob.page.get_by_role("button", name="Pause")).to_be_visible()
    moved += listening.check("playing")
    expect(bob.page.get_by_text("s behind")).to_be_visible()
    moved += listening.check("delay known")
    bob.page.get_by_role("button", name="Pause").click()
    expect(bob.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    moved += listening.check("paused")

    alice.page.get_by_role("button", name="Mute", exact=True).click()
    expect(alice.notice("You are muted.")).to_be_visible()
    moved += stream.check("muted")
    alice.stop()
    expect(alice.notice("Your stream has ended.")).to_be_visible()
    moved += stream.check("ended")
    expect(bob.page.get_by_role("button", name="Play the recording")).to_be_visible()
    moved += listening.check("ended")
    assert not moved, "\n".join(moved)
