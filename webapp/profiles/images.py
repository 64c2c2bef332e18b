"""Makes a picture that somebody has sent safe to show.

It is decoded, turned upright, cut to a square and encoded anew, so that nothing is left of the file that came: no place where it
was taken, no second file behind it.
"""

from __future__ import annotations

import io
import logging
import threading
from typing import TYPE_CHECKING

from flask import Flask, current_app
from flask_babel import gettext as _

from webapp.core.errors import Busy, Invalid

if TYPE_CHECKING:
    from PIL.Image import Image  # 15 MB of memory, which a server without pictures does not need

log = logging.getLogger(__name__)

MAX_BYTES = 2 * 2**20
WAIT_S = 10
MAX_PIXELS = 16_000_000
SIDE = 256  # pixels; a face is 64 CSS pixels wide at most, on a screen with up to 4 for each
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MIMETYPE = "image/webp"


def init_app(app: Flask) -> None:
    app.extensions["picture_turn"] = threading.Lock()


def square(data: bytes) -> bytes:
    """Return a WebP of SIDE pixels. Raises Invalid naming `avatar`, and Busy."""
    if not data:
        raise _refused(_("Choose a picture first."))
    if len(data) > MAX_BYTES:
        raise _refused(_("This picture is larger than 2 MB. Choose a smaller one."))
    turn: threading.Lock = current_app.extensions["picture_turn"]  # 16 million pixels take 64 MB while they are worked on
    if not turn.acquire(timeout=WAIT_S):
        raise Busy(_("Others are changing their pictures. Nothing was saved. Try again in a few seconds."), retry_after_s=5)
    try:
        return _encoded(_decoded(data))
    finally:
        turn.release()


def _decoded(data: bytes) -> Image:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:  # known from its head, before anything is unpacked
                raise _refused(_("This picture has more than 16 million pixels. Choose a smaller one."))
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded smaller at once
            mode = "RGBA" if image.has_transparency_data else "RGB"
            small = ImageOps.fit(image if image.mode == mode else image.convert(mode), (SIDE, SIDE))
            small.info = {"exif": image.info.get("exif", b"")}
            return ImageOps.exif_transpose(small)
    except Invalid:
        raise
    except UnidentifiedImageError as error:
        raise _refused(_("This file cannot be used as a picture. Choose a JPEG, PNG, WebP or GIF.")) from error
    except Image.DecompressionBombError as error:
        raise _refused(_("This picture has more than 16 million pixels. Choose a smaller one.")) from error
    except Exception as error:  # a damaged file can fail anywhere in its decoder
        log.info("a picture was not decoded: %s", type(error).__name__)
        raise _refused(_("This picture is damaged. Choose another.")) from error


def _encoded(image: Image) -> bytes:
    image.info = {}  # whatever it brought along
    target = io.BytesIO()
    image.save(target, "WEBP", quality=82, method=4)
    return target.getvalue()


def _refused(problem: str) -> Invalid:
    return Invalid.field("avatar", problem)
