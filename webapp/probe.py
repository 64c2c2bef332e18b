"""Asks a part's own health page. It stands at the root, also for the audio server's ws:// address."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    ok: bool                # the page says 200
    body: bytes = b""


def ask(url: str) -> Answer:
    """Never raises: no answer is an answer too."""
    address = urlsplit(url)
    connect = http.client.HTTPSConnection if address.scheme in ("https", "wss") else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", address.path or "/")
        response = connection.getresponse()
        return Answer(response.status == 200, response.read(MOST_BYTES))
    except (OSError, http.client.HTTPException):
        return Answer(ok=False)
    finally:
        connection.close()
