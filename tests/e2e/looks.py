"""Checks a page as people see it: in both themes, on a desktop and on a phone, with large text and with the system's colours.

axe must find nothing, nothing may be too wide, cut off or covered, and nothing may move where motion is not wanted. Screenshots
for people are left in tests/screenshots."""

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent.parent
OWN = Path(__file__).parent / "looks.js"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "tests" / "screenshots"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")]

SETTLED = """() => new Promise((done) => {
    const wave = document.querySelector("[data-wave]");
    const drawn = () => {       // wavesurfer.js draws anew 0.1 s after a change
        const canvas = wave?.clientWidth && wave.firstElementChild?.shadowRoot.querySelector("canvas");
        return !canvas || (canvas.clientHeight === wave.clientHeight && Math.abs(canvas.clientWidth - wave.clientWidth) < 10);
    };
    const look = () => requestAnimationFrame(() => {
        if (drawn()) Promise.allSettled(document.getAnimations().map((animation) => animation.finished)).then(done);
        else look();
    });
    requestAnimationFrame(look);
    setTimeout(done, 2000);      // a page that always moves somewhere
})"""

TEXT_SIZE = "parseFloat(getComputedStyle(document.documentElement).fontSize)"


def look(page: Page, name: str) -> list[str]:
    """Goes through all screens and returns the problems."""
    PICTURES.mkdir(exist_ok=True)
    page.emulate_media(reduced_motion="reduce")
    problems = []
    for width, theme in SCREENS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
        page.evaluate("scrollTo(0, 0)")
        page.evaluate(SETTLED)
        if (width, theme) != (390, "dark"):  # as wide as one and as dark as another
            problems += [f"{name} {width} {theme}: {problem}" for problem in problems_of(page, width)]
        if width != 320:
            page.screenshot(path=PICTURES / f"{name}-{width}-{theme}.png", full_page=width < 600)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    page.evaluate(OWN.read_text())
    problems += [f"{name}: {problem}" for problem in page.evaluate("looks.moving()")]
    problems += [f"{name}, large text: {problem}" for problem in with_large_text(page, name)]
    problems += [f"{name}, system's colours: {problem}" for problem in in_the_systems_colours(page, name)]
    return problems


def with_large_text(page: Page, name: str) -> list[str]:
    """Returns the problems for people who have set the browser's text to twice its size."""
    devtools = page.context.new_cdp_session(page)
    try:
        devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        page.wait_for_function(f"() => {TEXT_SIZE} === 32")
        page.evaluate(SETTLED)
        page.screenshot(path=PICTURES / f"{name}-1280-large.png")
        too_wide = page.evaluate("document.documentElement.scrollWidth") - 1280
        return page.evaluate("looks.cramped()") + ([f"{too_wide} px too wide"] if too_wide > 0 else [])
    finally:
        devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
        page.wait_for_function(f"() => {TEXT_SIZE} === 16")
        devtools.detach()


def in_the_systems_colours(page: Page, name: str) -> list[str]:
    """Returns the problems with a contrast theme of Windows."""
    page.emulate_media(forced_colors="active")
    page.keyboard.press("Tab")  # from here on the browser shows where the focus is
    page.evaluate(SETTLED)
    problems = page.evaluate("looks.colourless()")
    page.screenshot(path=PICTURES / f"{name}-1280-forced.png")
    page.emulate_media(forced_colors="none")
    return problems


def problems_of(page: Page, width: int) -> list[str]:
    """Returns the problems of the page in its present state."""
    too_wide = page.evaluate("document.documentElement.scrollWidth") - width
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text())
    # Not the style sheets, which no rule of these needs: it would copy the style of a shadow root (the player's wave) into a
    # document of its own, where the page's policy forbids it.
    options = {"runOnly": RULES, "preload": {"assets": ["media"]}, "resultTypes": ["violations"], "selectors": False}
    found = page.evaluate("(options) => axe.run(options).then((found) => found.violations)", options)
    problems = [f"{rule['id']} {rule['nodes'][0]['html'][:200]}" for rule in found]
    return [*problems, f"{too_wide} px too wide"] if too_wide > 0 else problems
