"""/api/push: whether this browser is woken when a friend goes live."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.notifications import subscriptions
from webapp.notifications.push_client import ENDPOINT_LENGTH
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Operation

blueprint = Blueprint("api_push", __name__, url_prefix="/api/push")


@blueprint.put("/subscription")
@login_required
@Operation(
    "Wake this browser when a friend goes live",
    body=schemas.body(
        {
            "endpoint": schemas.text("Address at a push service.", least=1, most=ENDPOINT_LENGTH),
            "p256dh": schemas.text("The browser's public key, base64url.", least=1),
            "auth": schemas.text("The secret of the browser, base64url.", least=1),
        }
    ),
    answers={204: None},
    errors=(409, 429),
    about="What the browser's `PushSubscription` says of itself. It ends with the log-in.",
)
def switch_on() -> ResponseReturnValue:
    """What the browser's `PushSubscription` says of itself."""
    body = JsonBody.of_request()
    subscriptions.switch_on(current_user, body.secret("endpoint"), body.secret("p256dh"), body.secret("auth"))
    return "", 204


@blueprint.delete("/subscription")
@login_required
@Operation("Do not wake this browser", answers={204: None})
def switch_off() -> ResponseReturnValue:
    subscriptions.switch_off(current_user)
    return "", 204
