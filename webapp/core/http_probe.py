"""Asks a page of another component over HTTP: its health at the root, or what else it serves."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from webapp.core.database import refuse_open_transaction

TIMEOUT_S = 2.0
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int  # 0: there was no answer
    body: bytes = b""
    etag: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200


def ask(url: str, path: str = "", timeout_s: float = TIMEOUT_S) -> Answer:
    """GET `url` followed by `path`. Never raises: a component that cannot be reached gives an answer with status 0.

    `url` may also be the ws:// address of the audio server, which serves HTTP at its root.
    """
    address = urlsplit(url)
    refuse_open_transaction(f"page at {address.hostname}:{address.port}")
    connect = http.client.HTTPSConnection if address.scheme in ("https", "wss") else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=timeout_s)
    try:
        connection.request("GET", (address.path or "/") + path)
        response = connection.getresponse()
        return Answer(response.status, response.read(MAX_BYTES), response.getheader("ETag", ""))
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()
