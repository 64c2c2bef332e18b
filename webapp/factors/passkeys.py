"""Manages passkeys (WebAuthn): keys that a device, a password manager or a security key holds for one person and one site.

Each asks its owner for a PIN, a finger or a face, so one is two factors: what somebody has, and what they know or are. It names
its owner, so it is enough to log in. The browser signs a challenge together with the address of the page, so no other site gets
anything that works here.

The challenge stands in the signed session cookie for five minutes. A copy of that cookie does not make it count twice: a passkey
takes only challenges that are newer than the last one that it has answered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from flask import session
from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from webapp.core.config import current_config
from webapp.core.database import affected_rows, db
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.text import clean, is_visible
from webapp.models import Passkey, User, now

log = logging.getLogger(__name__)

Verified = TypeVar("Verified")

KEY = "passkey_challenge"
LIFETIME = timedelta(minutes=5)
MAX_PASSKEYS = 20  # of one person
NAME_LENGTH = 64


def passkeys_of(user: User) -> list[Passkey]:
    """Return the person's passkeys, newest first."""
    query = select(Passkey).where(Passkey.user_id == user.id)
    return list(db.session.scalars(query.order_by(Passkey.created_at.desc(), Passkey.id)))


def origin() -> str | None:
    """Return the address at which passkeys work, if there is one: browsers take names, no IP addresses."""
    address = urlsplit(current_config().public_url)
    host = address.hostname or ""
    try:
        if not ip_address(host).is_loopback:
            return None
        host = "localhost"
    except ValueError:
        pass
    return f"{address.scheme}://{host}" + (f":{address.port}" if address.port else "")


def _site() -> str:
    """Return the name of the site that passkeys are bound to. Raises Conflict where there is none."""
    found = origin()
    if found is None:
        raise Conflict(_("Passkeys need a server with a name. The address of this one is a number."))
    return urlsplit(found).hostname or ""


# --- Adding one


def creation_options(user: User) -> dict[str, Any]:
    """Return what a browser needs to make a passkey for the person. Raises Conflict where there can be none."""
    options = webauthn.generate_registration_options(
        rp_id=_site(),
        rp_name="Stillair",
        user_id=_handle(user),
        user_name=user.username,
        user_display_name=user.display_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in passkeys_of(user)],
    )
    _remember(options.challenge)
    return options_to_json_dict(options)


def add(user: User, name: str, credential: str) -> None:
    """Keep a passkey that the browser has made, in the current transaction.

    Raises Invalid naming `name` or `passkey`, and Conflict.
    """
    name = clean(name)
    if not is_visible(name) or len(name) > NAME_LENGTH:
        raise Invalid.field("name", _("Use 1 to %(count)d characters.", count=NAME_LENGTH))
    challenge, made_at = _challenge()
    verified = _checked(
        lambda: webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_site(),
            expected_origin=origin() or "",
            require_user_verification=True,
        )
    )
    made = Passkey(user=user, name=name, credential_id=verified.credential_id, public_key=verified.credential_public_key)
    made.sign_count, made.challenged_at = verified.sign_count, made_at
    db.session.add(made)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(_("This passkey is here already.")) from error
    if (db.session.scalar(select(func.count()).where(Passkey.user_id == user.id)) or 0) > MAX_PASSKEYS:
        db.session.rollback()
        raise Conflict(_("You have %(count)d passkeys. Remove one first.", count=MAX_PASSKEYS))


def remove(user: User, passkey_id: str) -> None:
    """Remove one of the person's passkeys, in the current transaction. Raises NotFound."""
    if not affected_rows(delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id)):
        raise NotFound


def remove_all(user: User) -> None:
    """Remove all passkeys of the person, in the current transaction."""
    db.session.execute(delete(Passkey).where(Passkey.user_id == user.id))


def _handle(user: User) -> bytes:
    """Return by what devices know the account, so that a second passkey of one device replaces the first. It names nobody."""
    key = current_config().secret_key.encode()
    return hmac.digest(key, f"passkey handle {user.id}".encode(), hashlib.sha256)


# --- Using one


def request_options() -> dict[str, Any]:
    """Return what a browser needs to show a passkey, of whomever. Raises Conflict where there can be none."""
    options = webauthn.generate_authentication_options(rp_id=_site(), user_verification=UserVerificationRequirement.REQUIRED)
    _remember(options.challenge)
    return options_to_json_dict(options)


def accept(credential: str) -> User:
    """Return who has shown a passkey, and commit.

    Raises Invalid naming `passkey`, and Forbidden for somebody who is suspended.
    """
    challenge, made_at = _challenge()
    passkey = _shown(credential)
    verified = _checked(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_site(),
            expected_origin=origin() or "",
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    )
    mine = Passkey.id == passkey.id, Passkey.challenged_at < made_at
    used = {"sign_count": verified.new_sign_count, "used_at": now(), "challenged_at": made_at}
    if not affected_rows(update(Passkey).where(*mine).values(used)):
        raise _refused()
    user = passkey.user
    db.session.commit()
    if user.suspended_at is not None:
        raise Forbidden(_("The admin has suspended your account. Ask them what to do."), code="suspended")
    return user


def _shown(credential: str) -> Passkey:
    """Return the passkey that the browser says it has used: its id alone proves nothing yet. Raises Invalid."""
    credential_id = _checked(lambda: base64url_to_bytes(json.loads(credential)["id"]))
    found = db.session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))
    if found is None:
        raise Invalid.field("passkey", _("This passkey is unknown here. It may have been removed."))
    return found


# --- Challenges


def _remember(challenge: bytes) -> None:
    session[KEY] = {"challenge": bytes_to_base64url(challenge), "at": now().isoformat()}


def _challenge() -> tuple[bytes, datetime]:
    """Take the challenge of this browser, and when it was made. Raises Invalid when there is none that still counts."""
    remembered = session.pop(KEY, None)
    if remembered is None or (made_at := datetime.fromisoformat(remembered["at"])) < now() - LIFETIME:
        raise Invalid.field("passkey", _("That took too long. Nothing was changed. Try again."))
    return base64url_to_bytes(remembered["challenge"]), made_at


def _checked(check: Callable[[], Verified]) -> Verified:
    """Return what `check` does. Raises Invalid when what the browser sent cannot be read or does not prove anything."""
    try:
        return check()
    except Exception as error:  # what is sent may be anything, and the readers of its layers raise as many kinds of errors
        log.info("a passkey was refused", extra={"reason": type(error).__name__})
        raise _refused() from error


def _refused() -> Invalid:
    return Invalid.field("passkey", _("This passkey did not work. Nothing was changed. Try again."))
