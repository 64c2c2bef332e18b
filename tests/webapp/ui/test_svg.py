import json
import re
from pathlib import Path

import pytest

from webapp.chat import schemas
from webapp.ui.svg import ICONS, airline, glyph, icon, initials, noise_bars, tint

ROOT = Path(__file__).parents[3]

# The same table stands in tests/js/names.test.js: the server and the page must draw one face for one name.
NAMES = [
    ("Nora Lindqvist", "NL", 5),
    ("Zoë van der Meer", "ZM", 6),
    ("alice-1", "A", 5),
    ("Łukasz", "Ł", 4),
    ("42nd Street (band)", "4S", 6),
    ("🎈 Ida", "I", 5),
    ("🎈", "🎈", 3),
]


@pytest.mark.parametrize(("name", "letters", "number"), NAMES)
def test_a_face_has_letters_and_a_tint(name, letters, number):
    assert (initials(name), tint(name)) == (letters, number)


def icons_in_templates() -> set[str]:
    found: set[str] = set()
    for template in (ROOT / "webapp" / "templates").rglob("*.html"):
        text = template.read_text()
        found.update(re.findall(r'(?:icon\(|drawing=)"([a-z0-9-]+)"', text))
        found.update(re.findall(r'"calm", "([a-z0-9-]+)"', text))
    return found


def test_package_json_names_exactly_the_icons_that_templates_draw():
    vendor = json.loads((ROOT / "package.json").read_text())["stillair"]["vendor"]
    named = {Path(target).stem for target in vendor.values() if target.startswith("icons/") and target.endswith(".svg")}
    in_settings = {"user", "key-round", "sun-moon", "keyboard", "languages", "square-terminal"}
    chosen_in_expressions = {*in_settings, "triangle-alert", "circle-check", *schemas.KINDS}
    drawn = icons_in_templates() | chosen_in_expressions
    assert named == drawn
    assert all((ICONS / f"{name}.svg").is_file() for name in named)


def test_an_icon_is_inline_hidden_from_screen_readers_and_free_of_styles():
    drawing = str(icon("mic"))
    assert drawing.startswith('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">')
    assert "<path" in drawing
    assert "style=" not in drawing


@pytest.mark.parametrize("drawing", [airline(), noise_bars(), glyph("live"), glyph("paused")])
def test_drawings_are_decoration(drawing):
    assert 'aria-hidden="true"' in drawing
    assert "style=" not in drawing
