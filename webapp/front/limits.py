"""Says how long, how much and how many: what the server lets a client do."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.security.headers import MAX_BODY_BYTES


@dataclass(frozen=True)
class Limits:
    head_s: float = 10.0
    """From the first byte of a request, or from the beginning of a connection, to the end of the headers."""
    head_bytes: int = 64 * 1024
    body_s: float = 20.0
    """From the end of the headers to the end of the body, and a second more for every so many bytes that came:"""
    body_bytes_per_s: int = 4000
    small_body_bytes: int = MAX_BODY_BYTES
    """Of bodies, this much is kept for everybody; what is larger shares the next one."""
    body_bytes: int = 3 * 2**20
    """The largest that is kept at all: more than any route takes, and which is too large for one is said by Flask."""
    large_bodies_bytes: int = 64 * 2**20
    unread_bytes: int = 32 * 2**20
    """Of a body that is too large. A browser reads the answer only when it has sent all."""
    write_s: float = 60.0
    """How long nothing may be taken of an answer."""
    look_every_s: float = 1.0
    """How exactly these times are kept."""
    connections: int = 5000
    connections_per_address: int = 2500
    """Open connections; requests, where a proxy in front has all connections. A whole school may share an address."""
    long_work_per_address: int = 4
    """Clips, conversions and pictures that are worked on or wait."""
    queue: int = 100
    """Requests that wait for a thread, and how long one of them waits:"""
    queue_s: float = 10.0
    stop_s: int = 3
    """What still runs when the server stops is given so long."""
