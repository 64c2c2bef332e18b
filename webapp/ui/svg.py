"""Draws what templates show: icons, the mark, the state glyphs, the motif, faces.

All are inline SVG, in the colours of the text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import segno
from markupsafe import Markup, escape

from webapp.friends.relations import Face
from webapp.models import User

ICONS = Path(__file__).parent.parent / "static" / "vendor" / "icons"

GLYPHS = {
    "clean": "M3 12H41",
    "noisy": "M3 9v6M10 4v16M17 8v8M24 2v20M31 7v10M38 5v14",
    "live": "M18 12H41",
    "paused": "M3 8v8M9 3v18M15 7v10M25 12H41",
    "broken": "M3 12H15M24 12h.01M33 12H41",
    "falling": "M3 2v20M9 6v12M15 9.5v5M21 12H41",
    "off": "M3 12h.01M12 12h.01M21 12h.01M30 12h.01M39 12h.01",
}
LIVE_DOT = Markup('<circle cx="8" cy="12" r="5" fill="currentColor" stroke="none"/>')

MARK = Markup(
    '<svg class="glyph" viewBox="0 0 32 32" aria-hidden="true"><g stroke-width="3.4"><path d="M3.5 4v24M9 8.5v15M14.5 13v6"/>'
    '<path class="still" stroke="currentColor" d="M20.5 16h8.5"/></g></svg>'
)

PICTURE = Markup('<img src="%s" alt="" width="40" height="40" loading="lazy" decoding="async">')


@cache
def icon(name: str, css: str = "icon") -> Markup:
    """Draw a Lucide icon, one of those in the list `stillair.vendor` in package.json."""
    drawing = (ICONS / f"{name}.svg").read_text()
    inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    paths = Markup(" ".join(inner.split()))  # noqa: S704  a file of ours
    return Markup('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(css, paths)


def glyph(kind: str) -> Markup:
    """Draw a state as the air itself. A dot and a line is live, a line with a gap is reconnecting."""
    dot = LIVE_DOT if kind == "live" else ""
    return Markup(
        '<svg class="glyph" viewBox="0 0 44 24" width="36" height="20" aria-hidden="true">{}<path d="{}"/></svg>'
    ).format(dot, GLYPHS[kind])


def _bars(heights: Iterable[tuple[float, float]], middle: float) -> str:
    """Return the SVG path of vertical bars: (x, height) each, centred on `middle`."""
    return "".join(f"M{x:g} {middle - height / 2:.1f}v{height:.1f}" for x, height in heights)


def still_bars(count: int, height: int) -> str:
    """Return the SVG path of `count` dots, 6 apart, on a drawing of this height: where nothing sounds yet."""
    return _bars(((i * 6 + 3, 0.1) for i in range(count)), height / 2)


@cache
def airline() -> Markup:
    """Draw the motif at full width: noise that falls into a clear line."""
    bars, width, height, dice = 60, 480, 80, random.Random(4)  # noqa: S311  the same drawing each time
    heights = [(i * 8 + 4, (height - 8) * max(0.0, 1 - i / (bars * 0.72)) ** 1.7 * dice.uniform(0.35, 1)) for i in range(bars)]
    first_low = next(i for i, (_, tall) in enumerate(heights) if tall < 1.5)
    line_from = heights[first_low][0]
    return Markup(
        '<svg class="airline" viewBox="0 0 {0} {1}" preserveAspectRatio="none" aria-hidden="true">'
        '<path d="{2}"/><path class="clear" d="M{3} {4}H{5}"/></svg>'
    ).format(width, height, _bars(heights[:first_low], height / 2), line_from, height // 2, width - 2)


@cache
def noise_bars() -> Markup:
    """Draw the noise meter: the mark at length, filled from the left."""
    dice = random.Random(11)  # noqa: S311
    heights = [(i * 10 + 5, max(0.1, 58 * (1 - i / 56) ** 1.3 * dice.uniform(0.5, 1))) for i in range(54)]
    return Markup(
        '<svg viewBox="0 0 640 64" preserveAspectRatio="none" aria-hidden="true">'
        '<path vector-effect="non-scaling-stroke" d="{}M547 32H638"/></svg>'
    ).format(_bars(heights, 32))


def outline(heights: bytes) -> Markup:
    """Draw a recording from beginning to end, as decoration beside it in a list. Silence is a dot."""
    bars = _bars(((i * 6 + 3, max(0.1, height / 255 * 30)) for i, height in enumerate(heights)), 18)
    return Markup(
        '<svg class="wave" viewBox="0 0 {} 36" preserveAspectRatio="none" aria-hidden="true"><path class="voice" d="{}"/></svg>'
    ).format(len(heights) * 6, bars)


def chart(values: Sequence[float], maximum: float) -> Markup:
    """Draw columns side by side, from 0 to `maximum`, as decoration: a table beside them says the same."""
    width = 600 / max(1, len(values))
    columns = "".join(
        f"M{at * width + width * 0.1:.1f} 120v-{max(value, 0) / maximum * 116 if maximum else 0:.1f}h{width * 0.8:.1f}V120z"
        for at, value in enumerate(values)
    )
    return Markup(
        '<svg class="chart__columns" viewBox="0 0 600 122" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="voice" d="{}"/><path class="base" d="M0 121H600"/></svg>'
    ).format(columns)


def qr_code(text: str) -> Markup:
    """Draw a QR code, dark on light in every theme: cameras read it best so."""
    drawn = segno.make(text, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff")
    return Markup(drawn)  # noqa: S704  paths and numbers


def face(user: User | Face, css: str = "") -> Markup:
    """Draw a person: their picture, or their initials. static/js/lib/faces.js draws it anew when they take another one."""
    shown = PICTURE % user.avatar_url if user.avatar else escape(initials(user.display_name))
    return Markup(  # noqa: S704
        f'<span class="face face--{tint(user.display_name)} {css}" aria-hidden="true" data-face-of="{escape(user.username)}">'
        f"{shown}</span>"
    )


def initials(name: str) -> str:
    """Return one or two letters: those of the first and the last word that begin with a letter or digit."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return name.strip()[:1].upper()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def tint(name: str) -> int:
    """Return which of the six avatar tints a name has."""
    return sum(map(ord, name)) % 6 + 1


TEMPLATE_GLOBALS: dict[str, Callable[..., object] | Markup] = {
    "icon": icon,
    "glyph": glyph,
    "mark": MARK,
    "airline": airline,
    "chart": chart,
    "noise_bars": noise_bars,
    "outline": outline,
    "qr_code": qr_code,
    "still_bars": still_bars,
    "face": face,
}
