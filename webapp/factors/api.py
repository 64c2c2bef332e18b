"""JSON: confirming that it is you, before what would help a thief most."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.factors import confirmation
from webapp.models import rfc3339
from webapp.openapi.operations import operation
from webapp.openapi.schemas import CLEAN, Body, Time

blueprint = Blueprint("api_confirmation", __name__, url_prefix="/api")


class Proof(Body):
    password: Annotated[str, Field(description="Or `code`.")] = ""
    code: Annotated[str, Field(description="Of the authenticator app, or a recovery code.", max_length=64), CLEAN] = ""


class Confirmation(TypedDict):
    until: Time


@blueprint.post("/confirm")
@operation(errors=(429, 503))
def confirm(body: Proof) -> Confirmation:
    """Show your password or your second factor again.

    That counts for ten minutes and this log-in. Without it 403 has the code `confirmation_required` for what would help a thief
    most. Access tokens can do none of that.
    """
    return {"until": rfc3339(confirmation.confirm(current_user, body.password, body.code))}
