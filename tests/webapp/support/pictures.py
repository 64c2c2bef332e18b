"""Pictures as people send them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def picture_file(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: Any = (200, 30, 30), **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), size, colour).save(target, kind, **options)
    return target.getvalue()


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture))


def noise_file() -> bytes:
    """A JPEG that no compression makes small."""
    target = io.BytesIO()
    Image.effect_noise((2400, 1800), 80).convert("RGB").save(target, "JPEG", quality=98)
    return target.getvalue()
