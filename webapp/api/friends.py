"""JSON: search, friends, friend requests."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import broadcasts, friendships, presence
from webapp.json_body import JsonBody
from webapp.models import FriendRequest, rfc3339

blueprint = Blueprint("api_friends", __name__, url_prefix="/api")


@blueprint.get("/search")
@login_required
def search() -> ResponseReturnValue:
    found = friendships.search(current_user, request.args.get("q", ""))
    return {"users": [
        {"username": user.username, "display_name": user.display_name, "relation": relation} for user, relation in found
    ]}


@blueprint.get("/friends")
@login_required
def friends() -> ResponseReturnValue:
    found = friendships.friends_of(current_user)
    online = presence.online(friend.id for friend in found)
    streams = broadcasts.on_air_streams(friend.id for friend in found)
    return {"friends": [
        {
            "username": friend.username,
            "display_name": friend.display_name,
            "online": friend.id in online,
            "last_seen": rfc3339(friend.last_seen_at) if friend.last_seen_at else None,
            "stream": broadcasts.as_json(streams[friend.id]) if friend.id in streams else None,
        }
        for friend in found
    ]}


@blueprint.delete("/friends/<username>")
@login_required
def unfriend(username: str) -> ResponseReturnValue:
    friendships.unfriend(current_user, username)
    return "", 204


@blueprint.post("/friend-request/send")
@login_required
def send() -> ResponseReturnValue:
    return _state(friendships.send(current_user, JsonBody.of_request().text("username"))), 201


@blueprint.get("/friend-requests/pending")
@login_required
def pending() -> ResponseReturnValue:
    requests = friendships.requests_of(current_user)
    return {
        "received": [{**_when(received), "username": received.sender.username} for received in requests.received],
        "sent": [{**_when(sent), "username": sent.receiver.username} for sent in requests.sent],
    }


@blueprint.post("/friend-request/<request_id>/respond")
@login_required
def respond(request_id: str) -> ResponseReturnValue:
    action = JsonBody.of_request().choice("action", "accept", "reject")
    answer = friendships.accept if action == "accept" else friendships.reject
    return _state(answer(current_user, request_id))


@blueprint.delete("/friend-request/<request_id>")
@login_required
def cancel(request_id: str) -> ResponseReturnValue:
    friendships.cancel(current_user, request_id)
    return "", 204


def _state(request: FriendRequest) -> dict[str, Any]:
    return {"id": request.id, "status": request.status}


def _when(request: FriendRequest) -> dict[str, Any]:
    return {"id": request.id, "created_at": rfc3339(request.created_at)}
