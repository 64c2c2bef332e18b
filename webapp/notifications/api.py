"""/api/push: whether this browser is woken when a friend goes live."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask_login import current_user
from pydantic import Field

from webapp.notifications import subscriptions
from webapp.notifications.push_client import ENDPOINT_LENGTH
from webapp.openapi.operations import operation
from webapp.openapi.schemas import Body, checked_later

blueprint = Blueprint("api_push", __name__, url_prefix="/api/push")


class PushSubscription(Body):
    endpoint: Annotated[str, Field(min_length=1), checked_later("Address at a push service.", maxLength=ENDPOINT_LENGTH)]
    p256dh: Annotated[str, Field(description="The browser's public key, base64url.", min_length=1)]
    auth: Annotated[str, Field(description="The secret of the browser, base64url.", min_length=1)]


@blueprint.put("/subscription")
@operation(errors=(409, 429))
def switch_on(body: PushSubscription) -> None:
    """Wake this browser when a friend goes live.

    What the browser's `PushSubscription` says of itself. It ends with the log-in.
    """
    subscriptions.switch_on(current_user, body.endpoint, body.p256dh, body.auth)


@blueprint.delete("/subscription")
@operation()
def switch_off() -> None:
    """Do not wake this browser."""
    subscriptions.switch_off(current_user)
