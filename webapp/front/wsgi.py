"""Asks Flask (PEP 3333) in a thread, which hands over only what is finished: bytes, or a body that the server sends by itself."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from webapp.core.sent_body import FileBody, SentBody
from webapp.presence.event_stream import EventStream

Scope = Any  # of ASGI's `http`
Headers = list[tuple[bytes, bytes]]

NAMES = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


@dataclass
class Answer:
    status: int
    headers: Headers
    body: Sequence[bytes] | SentBody | EventStream


def environ_of(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """Return the request as WSGI has it. The body is there already, in full."""
    server, client = scope["server"] or ("", None), scope["client"] or ("", None)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "RAW_URI": scope["raw_path"].decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _file_body,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        if "_" in key:  # would be taken for the header with a hyphen, which a proxy may have set
            continue
        key = NAMES.get(key) or "HTTP_" + key.upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if size or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


def _file_body(file: io.BufferedReader, _chunk_bytes: int = 0) -> FileBody:
    return FileBody(file, os.fstat(file.fileno()).st_size)


def ask(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Answer:
    begun: list[Any] = []
    written: list[bytes] = []  # by an app that calls what start_response returns, instead of returning all (PEP 3333)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        begun[:] = status, headers
        return written.append

    found = app(environ, start_response)
    body = found if isinstance(found, SentBody | EventStream) else [*written, *_collected(found)]
    status, headers = begun
    return Answer(int(status[:3]), [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers], body)


def _collected(pieces: Iterable[bytes]) -> list[bytes]:
    """Return all pieces, and close them."""
    try:
        return list(pieces)
    finally:
        if close := getattr(pieces, "close", None):
            close()
