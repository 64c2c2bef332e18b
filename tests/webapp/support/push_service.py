"""A push service of our own on this machine, and browsers that subscribe there: it keeps what it is sent and checks who signed it
(RFC 8292); they read what is in it (RFC 8291)."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import http_ece
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from webapp.notifications.push_client import PushRoute


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes

    def signer(self, audience: str) -> str:
        """The public key that has signed it for this push service; anything else fails."""
        scheme, _, parameters = self.headers["Authorization"].partition(" ")
        parts = dict(part.split("=", 1) for part in parameters.split(","))
        assert scheme == "vapid"
        point = base64.urlsafe_b64decode(parts["k"] + "=")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=audience, options={"require": ["exp", "sub", "aud"]})
        assert claims["exp"] <= time.time() + 24 * 3600
        assert claims["sub"].startswith("https://")
        return parts["k"]


@dataclass
class Browser:
    """What a real one keeps for itself."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    def subscription(self, endpoint: str) -> dict[str, str]:
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return {"endpoint": endpoint, "p256dh": _base64url(point), "auth": _base64url(self.secret)}

    def read(self, request: Request) -> Any:
        assert request.headers["Content-Encoding"] == "aes128gcm"
        return json.loads(http_ece.decrypt(request.body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"))


@dataclass
class PushService:
    url: str
    route: PushRoute  # by which the web app may come here
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)  # by path; 201 otherwise
    silent: threading.Event = field(default_factory=threading.Event)  # set: no answer comes


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    certificate = _write_certificate(folder)
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = server.server_address[1]
    trusting = ssl.create_default_context(cafile=str(certificate))
    service = PushService(f"https://127.0.0.1:{port}", PushRoute(private=True, ports=frozenset({port}), tls=trusting))
    server.service = service  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield service
    service.silent.clear()
    server.shutdown()
    thread.join()
    server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up early is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service: PushService = self.server.service  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service.requests.append(Request(self.path, dict(self.headers), body))
        while service.silent.is_set():
            time.sleep(0.02)
        status, headers = service.answers.get(self.path, (201, {}))
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _write_certificate(folder: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push service")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "push-service.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
