"""Tells where faults in the safety of this server can be reported: `/.well-known/security.txt` (RFC 9116)."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from webapp.core.config import current_config
from webapp.core.errors import NotFound
from webapp.i18n.language import LANGUAGES
from webapp.models.base import now

blueprint = Blueprint("pages_security", __name__)

GOOD_FOR = timedelta(days=30)
"""How long the answer may be believed. A server that is no longer looked after stops to answer."""


@blueprint.get("/.well-known/security.txt")
def security_txt() -> ResponseReturnValue:
    config = current_config()
    if config.security_contact is None:
        raise NotFound
    lines = [
        f"Contact: {config.security_contact}",
        f"Expires: {now() + GOOD_FOR:%Y-%m-%dT00:00:00Z}",
        f"Preferred-Languages: {', '.join(LANGUAGES)}",
        *([f"Canonical: {config.public_url}/.well-known/security.txt"] if config.tls else []),
    ]
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")
