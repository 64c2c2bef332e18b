"""HTTP client for push services, hardened against server-side request forgery.

The endpoint comes from the browser, so an attacker could name a host in our network. Only https URLs whose hosts have nothing but
public addresses are used. The host is resolved when somebody subscribes and again for every message, and the connection goes to
an address that was checked. Redirects are not followed, proxies from the environment are not used, and answers have a time limit.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, current_app

from webapp.core.database import refuse_open_transaction

ENDPOINT_LENGTH = 1024  # at most; the endpoints of browsers have 150 to 700 characters
CONNECT_S = 4.0
WHOLE_S = 8.0  # for a whole message, however slowly the push service answers
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
GLOBAL_UNICAST = ip_network("2000::/3")  # all that has been given out of IPv6
NAT64 = ip_network("64:ff9b::/96")  # an IPv4 address for networks that have only IPv6 (RFC 6052)
RESERVED = [ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")]
"""Not for hosts on the Internet (IANA's registries of special-purpose addresses), although older versions of Python call them
global: protocol assignments, relays and tunnels from IPv4 to IPv6, documentation."""

Address = IPv4Address | IPv6Address


class EndpointRefused(Exception):
    """The endpoint is not one to which anything may be sent."""


@dataclass(frozen=True)
class Answer:
    """The answer of a push service. `status` 0: there was none."""

    status: int
    retry_after: str = ""


@dataclass(frozen=True)
class PushRoute:
    """Connects to push services: `app.extensions["push_route"]`. Tests change the fields for a push service of their own."""

    private: bool = False
    ports: frozenset[int] = frozenset({443})
    tls: ssl.SSLContext | None = None  # which certificates are trusted; None: those that are trusted on the web

    def check(self, endpoint: str) -> None:
        """Raise EndpointRefused if nothing may be sent there, or OSError if the host cannot be resolved."""
        self._addresses(*self._host_and_port(endpoint))

    def post(self, endpoint: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a message. Raises EndpointRefused; a push service that cannot be reached gives an answer with status 0."""
        host, port = self._host_and_port(endpoint)
        parts = urlsplit(endpoint)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        tls = self.tls or ssl.create_default_context()
        try:
            bare = self._connect(host, port)
            with tls.wrap_socket(bare, server_hostname=host, do_handshake_on_connect=False) as connected, _ended(connected):
                connected.do_handshake()
                connection = http.client.HTTPSConnection(host, port, context=tls)
                connection.sock = connected
                connection.request("POST", path, body, dict(headers))
                response = connection.getresponse()
                return Answer(response.status, response.getheader("Retry-After", ""))
        except (OSError, http.client.HTTPException):
            return Answer(0)

    def _connect(self, host: str, port: int) -> socket.socket:
        """Connect to one of the addresses that were checked, because the name may resolve to another one a moment later."""
        addresses = self._addresses(host, port)
        for address in addresses[:-1]:
            try:
                return socket.create_connection((str(address), port), CONNECT_S)
            except OSError:  # IPv6 on a machine that has none, for example
                continue
        return socket.create_connection((str(addresses[-1]), port), CONNECT_S)

    def _host_and_port(self, endpoint: str) -> tuple[str, int]:
        if len(endpoint) > ENDPOINT_LENGTH or not re.fullmatch(r"https://[!-~]+", endpoint) or "\\" in endpoint:
            raise EndpointRefused
        try:
            parts = urlsplit(endpoint)
            port = 443 if parts.port is None else parts.port
        except ValueError:  # a port that is no number, brackets that do not match
            raise EndpointRefused from None
        host = parts.hostname or ""
        if "@" in parts.netloc or port not in self.ports or not HOST.fullmatch(host):
            raise EndpointRefused
        return host, port

    def _addresses(self, host: str, port: int) -> list[Address]:
        """Resolve the host. Raises EndpointRefused unless all addresses are public."""
        refuse_open_transaction("push service")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a name of labels that are empty or too long
            raise EndpointRefused from None
        addresses = [ip_address(cast(str, entry[4][0])) for entry in found]
        if not self.private and not all(map(is_public, addresses)):
            raise EndpointRefused
        return addresses


@contextmanager
def _ended(connected: socket.socket) -> Iterator[None]:
    """Close the connection after WHOLE_S, even if each single byte comes in time."""

    def end() -> None:
        with suppress(OSError):  # it has just ended
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # TLS's own shutdown would first wait for the other side

    timer = threading.Timer(WHOLE_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_public(address: Address) -> bool:
    """Tell whether the address is on the Internet. IPv6 addresses that stand for IPv4 ones are looked into."""
    if isinstance(address, IPv6Address):
        inside = IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else address.ipv4_mapped
        if inside is not None:
            return is_public(inside)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in RESERVED)


def init_app(app: Flask) -> None:
    app.extensions["push_route"] = PushRoute()


def push_route() -> PushRoute:
    """Return the current app's client."""
    found: PushRoute = current_app.extensions["push_route"]
    return found
