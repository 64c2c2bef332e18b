"""The key by which push services know this server (VAPID, RFC 8292): made when it is first needed, kept in `<data>/vapid.pem`.
Browsers are bound to it when they subscribe; with another key they are not reached any more."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from contract.disk import atomic_write

FILE = "vapid.pem"


def load(data: Path) -> Vapid02:
    """The key of this data folder. Raises ValueError when its file holds none."""
    path = data / FILE
    if not path.exists():
        _make(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"{path} holds no P-256 key. Move it away to get a new one; people then switch notifications on again.")
    return Vapid02(key)


def public_key(data: Path) -> str:
    """Return the public key as `pushManager.subscribe` takes it: an uncompressed point in base64url."""
    point = load(data).public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _make(path: Path) -> None:
    """Make the key. Of two programs that need it at once, the first one's is kept."""
    key = Vapid02(ec.generate_private_key(ec.SECP256R1()))
    with suppress(FileExistsError):
        atomic_write(path, key.private_pem(), durable=True, exclusive=True)
