"""Looks at a page as people see it: both themes, a desk and a phone, text of twice the size, the colours of the system; axe finds
nothing, nothing is wider than the screen, cut off or on top of something else, and nothing moves where motion is not wanted.
Pictures for people to look at are left in tests/screenshots."""

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "tests" / "screenshots"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")]

SETTLED = """() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(
        () => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)).then(done)));
    setTimeout(done, 2000);      // a page that always moves somewhere
})"""

SHOWN = """
    const shown = (e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }) && !e.closest(".visually-hidden, .skip");
    const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
    const code = (e) => e.outerHTML.replace(/\\s+/g, " ").slice(0, 120);
"""

# The player alone may cut a title, and what lies on the page by design (menus, what sticks to an edge) is on top of something.
CRAMPED = f"""() => {{ {SHOWN}
    const cut = all("body *:not(.player__name, .player__name *)").filter((e) => e.innerText?.trim() && e.clientWidth
        && (e.matches(".btn, .badge, .seg > *, summary, h1, h2, h3") || ["hidden", "clip"].includes(getComputedStyle(e).overflowX))
        && (e.scrollWidth > e.clientWidth + 1 || (getComputedStyle(e).overflowY !== "visible" && e.scrollHeight > e.clientHeight + 1)));
    const controls = all("button, a, summary, select, label:has(input), input:not([type=radio], [type=checkbox], label input)")
        .filter((e) => !e.closest(".menu__list, .hold--stick, .players, .frame > nav"));
    const boxes = controls.map((e) => [e, e.getBoundingClientRect()]);
    const over = boxes.flatMap(([a, x], i) => boxes.slice(i + 1).filter(([b, y]) => !a.contains(b) && !b.contains(a)
        && Math.min(x.right, y.right) - Math.max(x.left, y.left) > 2
        && Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 2).map(([b]) => [a, b]));
    return [...cut.map((e) => `cut off: ${{code(e)}}`), ...over.map(([a, b]) => `on top of each other: ${{code(a)}} ${{code(b)}}`)];
}}"""

# Whoever sees no colours of ours still sees what is chosen, what can be pressed, and where the keyboard is.
COLOURLESS = f"""() => {{ {SHOWN}
    const style = (e) => getComputedStyle(e);
    const chosen = all(".seg").filter((group) => {{
        const [on, off] = [":has(input:checked), [aria-current]", ":not(:has(input:checked), [aria-current])"]
            .map((which) => [...group.children].find((child) => child.matches(which)));
        return on && off && style(on).backgroundColor === style(off).backgroundColor;
    }});
    const pressed = all("[aria-pressed=true]").filter((e) => all("[aria-pressed=false]").some(
        (off) => style(off).backgroundColor === style(e).backgroundColor));
    const edgeless = all(".btn, .input").filter((e) => style(e).borderTopStyle === "none");
    const silent = all(".live, .badge, .state").filter((e) => !e.innerText.trim());
    const ringless = all("button, a[href], summary, select, input").filter((e) => {{
        e.focus({{ preventScroll: true }});
        return document.activeElement === e && ![e, e.closest("label")].some((each) => each && style(each).outlineStyle !== "none");
    }});
    document.activeElement?.blur();
    return Object.entries({{ chosen, pressed, edgeless, silent, ringless }}).flatMap(([what, found]) => found.map((e) => `${{what}}: ${{code(e)}}`));
}}"""

MOVING = f"""() => {{ {SHOWN}
    const longest = (list) => Math.max(...list.split(",").map((time) => parseFloat(time) * (time.endsWith("ms") ? 1 : 1000)));
    return all("body *").filter((e) => [null, "::before", "::after"].some((part) => longest(getComputedStyle(e, part).transitionDuration) > 1
        || getComputedStyle(e, part).animationName !== "none")).map((e) => `moves: ${{code(e)}}`);
}}"""


def look(page: Page, name: str) -> list[str]:
    """Goes through all screens; returns what is wrong."""
    PICTURES.mkdir(exist_ok=True)
    page.emulate_media(reduced_motion="reduce")
    problems = []
    for width, theme in SCREENS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
        page.evaluate(SETTLED)
        if (width, theme) != (390, "dark"):         # as wide as one and as dark as another
            problems += [f"{name} {width} {theme}: {problem}" for problem in problems_of(page, width)]
        if width != 320:
            page.screenshot(path=PICTURES / f"{name}-{width}-{theme}.png", full_page=width < 600)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    problems += [f"{name}: {problem}" for problem in page.evaluate(MOVING)]
    problems += [f"{name}, large text: {problem}" for problem in with_large_text(page, name)]
    problems += [f"{name}, system's colours: {problem}" for problem in in_the_systems_colours(page, name)]
    return problems


def with_large_text(page: Page, name: str) -> list[str]:
    """As for somebody who has set the browser's text to twice its size."""
    devtools = page.context.new_cdp_session(page)
    try:
        devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        page.evaluate(SETTLED)
        page.screenshot(path=PICTURES / f"{name}-1280-large.png")
        too_wide = page.evaluate("document.documentElement.scrollWidth") - 1280
        return page.evaluate(CRAMPED) + ([f"{too_wide} px too wide"] if too_wide > 0 else [])
    finally:
        devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
        devtools.detach()


def in_the_systems_colours(page: Page, name: str) -> list[str]:
    """As on Windows with a contrast theme."""
    page.emulate_media(forced_colors="active")
    page.keyboard.press("Tab")          # from here on the browser shows where the focus is
    problems = page.evaluate(COLOURLESS)
    page.screenshot(path=PICTURES / f"{name}-1280-forced.png")
    page.emulate_media(forced_colors="none")
    return problems


def problems_of(page: Page, width: int) -> list[str]:
    """As the page is now."""
    too_wide = page.evaluate("document.documentElement.scrollWidth") - width
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("(rules) => axe.run({ runOnly: rules }).then((found) => found.violations)", RULES)
    problems = [f"{rule['id']} {rule['nodes'][0]['html'][:200]}" for rule in found]
    return [*problems, f"{too_wide} px too wide"] if too_wide > 0 else problems
