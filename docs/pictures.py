"""Makes the pictures of README.md out of those that tests/e2e/test_looks.py leaves: `python docs/pictures.py`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parent / "tests" / "screenshots"
PICTURES = {
    "on-air": "live-1280-light",
    "listening": "listen-1280-dark",
    "sound-check": "live-check-1280-light",
    "friends": "home-live-1280-light",
    "phone": "listen-390-light",
    "hear-the-difference": "register-1280-light",
}
COLOURS = 128


def main() -> None:
    for name, screenshot in PICTURES.items():
        with Image.open(SCREENSHOTS / f"{screenshot}.png") as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
