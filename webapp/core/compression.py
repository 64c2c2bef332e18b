"""Compresses static text. Pages stay uncompressed: the secrets they hold (the CSRF token) must not show in their length."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request

from webapp.core import static_files

TYPES = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
MIN_BYTES = 1000
FILES_KEPT = 128


def init_app(app: Flask) -> None:
    folder = Path(app.static_folder or "")

    @app.after_request
    def compress(response: Response) -> Response:
        if request.endpoint != "static" or response.mimetype not in TYPES:
            return response
        response.vary.add("Accept-Encoding")
        path = folder / static_files.without_version(str((request.view_args or {})["filename"]))
        if response.status_code != 200 or not request.accept_encodings["gzip"] or path.stat().st_size < MIN_BYTES:
            return response
        response.direct_passthrough = False
        response.set_data(_compressed(path, path.stat().st_mtime_ns))
        response.content_encoding = "gzip"
        response.set_etag(response.get_etag()[0] or "", weak=True)  # the same content in other bytes
        return response


@lru_cache(FILES_KEPT)
def _compressed(path: Path, _changed_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)
