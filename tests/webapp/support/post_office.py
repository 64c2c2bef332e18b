"""A real mail server (aiosmtpd), with TLS or without, that keeps what it is given."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "127.1"
"""This machine, by a name that does not look like it: what holds for servers elsewhere holds for it."""
USER, PASSWORD = "air@example.org", "p@ss word"


class PostOffice(Controller):
    """Takes mail while the context is open, on a port of its own; `refusing` makes it say no."""

    def __init__(self, **options: Any) -> None:
        super().__init__(self, hostname="127.0.0.1", port=0, **options)
        self.letters: list[EmailMessage] = []
        self.logins: list[bytes] = []
        self.refusing = False

    def __enter__(self) -> PostOffice:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refusing:
            return "451 Not now"
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def check_login(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, login: LoginPassword) -> AuthResult:
        self.logins.append(login.password)
        return AuthResult(success=(login.login, login.password) == (USER.encode(), PASSWORD.encode()))


def certificate(folder: Path) -> Path:
    """Of NAME, and of nobody whom anybody knows; with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
