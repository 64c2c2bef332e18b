"""/api/push: whether this browser is woken when a friend goes live."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import push_subscriptions
from webapp.json_body import JsonBody

blueprint = Blueprint("api_push", __name__, url_prefix="/api/push")


@blueprint.put("/subscription")
@login_required
def switch_on() -> ResponseReturnValue:
    """What the browser's `PushSubscription` says of itself."""
    body = JsonBody.of_request()
    push_subscriptions.switch_on(current_user, body.secret("endpoint"), body.secret("p256dh"), body.secret("auth"))
    return "", 204


@blueprint.delete("/subscription")
@login_required
def switch_off() -> ResponseReturnValue:
    push_subscriptions.switch_off(current_user)
    return "", 204
