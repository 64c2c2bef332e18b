"""Asks another part's own pages: how it is (at the root, also for the audio server's ws:// address), or what it has."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int  # 0: none came
    body: bytes = b""
    etag: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200


def ask(url: str, path: str = "", timeout_s: float = TIMEOUT_S) -> Answer:
    """Never raises: no answer is an answer too. `path`: from the page at `url` on."""
    address = urlsplit(url)
    connect = http.client.HTTPSConnection if address.scheme in ("https", "wss") else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=timeout_s)
    try:
        connection.request("GET", (address.path or "/") + path)
        response = connection.getresponse()
        return Answer(response.status, response.read(MOST_BYTES), response.getheader("ETag", ""))
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()
