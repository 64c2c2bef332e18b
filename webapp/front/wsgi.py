"""Asks Flask (PEP 3333) in a thread, which hands over only what is finished: bytes, or a body that the server sends by itself."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from webapp.core.file_body import FileBody
from webapp.presence.event_stream import EventStream

Scope = Any  # of ASGI's `http`
Headers = list[tuple[bytes, bytes]]

IN_MEMORY_BYTES = 2 * 2**20
MAKING_S = 900.0
"""An answer that is made piece by piece has to be finished by then."""
BODILESS = (204, 304)
NAMES = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


@dataclass
class Answer:
    status: int
    headers: Headers
    body: Sequence[bytes] | FileBody | EventStream


class MadeTooSlowly(Exception):
    """The pieces of an answer did not come in time."""


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


def ask(app: Callable[..., Iterable[bytes]], environ: dict[str, Any], folder: Path) -> Answer:
    """Run the app. An answer that is made piece by piece waits in `folder`, in a file without a name. Raises MadeTooSlowly."""
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        begun[:] = status, headers
        return _refuse_write

    found = app(environ, start_response)
    is_given = isinstance(found, FileBody | EventStream)
    body = found if isinstance(found, FileBody | EventStream) else _collected(found, folder)
    status, headers = begun
    answer = Answer(int(status[:3]), [(_bytes(name).lower(), _bytes(value)) for name, value in headers], body)
    if not is_given and environ["REQUEST_METHOD"] != "HEAD" and answer.status not in BODILESS:
        _set_length(answer)
    return answer


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _set_length(answer: Answer) -> None:
    if not any(name == b"content-length" for name, _ in answer.headers):
        size = answer.body.left if isinstance(answer.body, FileBody) else sum(map(len, answer.body))
        answer.headers.append((b"content-length", b"%d" % size))


def _refuse_write(_data: bytes) -> None:
    raise NotImplementedError("PEP 3333 has this for old frameworks, and Flask is none")


def _collected(pieces: Iterable[bytes], folder: Path) -> Sequence[bytes] | FileBody:
    """Return all pieces, and close them."""
    kept: list[bytes] = []
    size = 0
    try:
        iterator = iter(pieces)
        for piece in iterator:
            kept.append(piece)
            size += len(piece)
            if size > IN_MEMORY_BYTES:
                return _written(kept, iterator, folder)
        return kept
    finally:
        if close := getattr(pieces, "close", None):
            close()


def _written(begin: Sequence[bytes], rest: Iterable[bytes], folder: Path) -> FileBody:
    deadline = time.monotonic() + MAKING_S
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # FileBody closes it
    try:
        file.writelines(begin)
        for piece in rest:
            file.write(piece)
            if time.monotonic() > deadline:
                raise MadeTooSlowly
        file.flush()
        return FileBody(file, file.tell())
    except BaseException:
        file.close()
        raise
