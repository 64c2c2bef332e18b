"""Makes the icons of the installed app out of webapp/static/icon.svg: `python docs/icons.py`. Chromium draws them."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

STATIC = Path(__file__).parent.parent / "webapp" / "static"
COLOURS = 64

WHOLE = ""
ROUND = "svg { border-radius: 22% }"
SHAPE = "rect { fill: none } path { stroke: #fff }"  # Android paints it in one colour
ICONS = {
    "icon-192": (192, ROUND),
    "icon-512": (512, ROUND),
    "maskable-512": (512, WHOLE),
    "apple-touch-180": (180, WHOLE),
    "badge-96": (96, SHAPE),
}


def main() -> None:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=sandbox)
        for name, (size, style) in ICONS.items():
            draw(browser.new_page(viewport={"width": size, "height": size}), style, STATIC / "icons" / f"{name}.png")
        browser.close()


def draw(page: Page, style: str, path: Path) -> None:
    svg = (STATIC / "icon.svg").read_text()
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100vw }} {style}</style>{svg}")
    with Image.open(io.BytesIO(page.screenshot(omit_background=True))) as picture:
        path.parent.mkdir(exist_ok=True)
        picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
