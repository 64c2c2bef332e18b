"""The real server in a thread of the test, with an app and limits of the test's own, and raw connections to it."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask

from tests.free_ports import some_free_block
from webapp.front.limits import Limits
from webapp.front.processes import Bell
from webapp.front.server import Server, listening

PATIENCE_S = 20


@contextmanager
def serving(app: Flask, **limits: float) -> Iterator[int]:
    """Return the port on which the app is served."""
    config = replace(app.config["STILLAIR"], port=some_free_block())
    server = Server(app, config, Limits(**limits), Bell(), (), os.getppid())
    thread = threading.Thread(target=server.run, args=([listening(config)],), name="server")
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield config.port
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def eventually(is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.01)
    return is_so()


def connect(port: int, first: bytes = b"", *, receive_bytes: int = 0, source: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(PATIENCE_S)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    sock.sendall(first)
    return sock


def answer_to(sock: socket.socket, method: str = "GET") -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return response


def ask(port: int, head: str, body: bytes = b"", source: str = "127.0.0.1") -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send `head`, which is a request line and headers without their last empty line, and return the answer."""
    with connect(
        port, head.encode() + f"\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode() + body, source=source
    ) as sock:
        response = answer_to(sock, head.partition(" ")[0])
        return response.status, response.headers, response.read()
