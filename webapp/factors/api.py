"""JSON: confirming that it is you, before what would help a thief most, and what a browser needs for a passkey."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.factors import confirmation, passkeys
from webapp.models import rfc3339
from webapp.openapi.operations import operation
from webapp.openapi.schemas import CLEAN, Body, Time

blueprint = Blueprint("api_factors", __name__, url_prefix="/api")


class Proof(Body):
    password: Annotated[str, Field(description="Or `code`.")] = ""
    code: Annotated[str, Field(description="Of the authenticator app, or a recovery code.", max_length=64), CLEAN] = ""


class Confirmation(TypedDict):
    until: Time


class PasskeyOptions(TypedDict):
    options: Annotated[dict[str, Any], Field(description="Of WebAuthn, as JSON.")]


@blueprint.post("/confirm")
@operation(errors=(429, 503))
def confirm(body: Proof) -> Confirmation:
    """Show your password or your second factor again.

    That counts for ten minutes and this log-in. Without it 403 has the code `confirmation_required` for what would help a thief
    most. Access tokens can do none of that.
    """
    return {"until": rfc3339(confirmation.confirm(current_user, body.password, body.code))}


@blueprint.post("/passkeys/request-options")
@operation(login=False, errors=(409,))
def request_options() -> PasskeyOptions:
    """What a browser needs to show a passkey.

    For `PublicKeyCredential.parseRequestOptionsFromJSON`. The challenge counts for five minutes, for this browser, and once.
    """
    return {"options": passkeys.request_options()}


@blueprint.post("/passkeys/creation-options")
@operation(errors=(409,))
def creation_options() -> PasskeyOptions:
    """What a browser needs to make a passkey for you.

    For `PublicKeyCredential.parseCreationOptionsFromJSON`. It has to be confirmed that it is you.
    """
    confirmation.check()
    return {"options": passkeys.creation_options(current_user)}
