"""JSON: search, friends, friend requests."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.friends import friendships, relations
from webapp.friends import requests as friend_requests
from webapp.friends import search as friend_search
from webapp.friends.search import SEARCH_LEAST, SEARCH_MOST, SEARCH_RESULTS
from webapp.models import FriendRequest, rfc3339
from webapp.openapi import schemas
from webapp.openapi.json_body import JsonBody
from webapp.openapi.operations import Operation
from webapp.openapi.scopes import Scope
from webapp.presence import presence
from webapp.streams import queries as stream_queries
from webapp.streams import serializers

blueprint = Blueprint("api_friends", __name__, url_prefix="/api")

FOUND = schemas.record(
    {
        "username": schemas.USERNAME,
        "display_name": schemas.DISPLAY_NAME,
        "relation": schemas.one_of("self", "none", "sent", "received", "friend", "blocked"),
    }
)
FRIEND = schemas.record(
    {
        "username": schemas.USERNAME,
        "display_name": schemas.DISPLAY_NAME,
        "online": schemas.flag(),
        "last_seen": schemas.or_null(schemas.TIME),
        "stream": schemas.or_null(schemas.STREAM),
    },
    title="Friend",
)
REQUEST = schemas.record({"id": schemas.ID, "status": schemas.one_of("pending", "accepted", "rejected", "cancelled")})
OPEN_REQUEST = schemas.record({"id": schemas.ID, "username": schemas.USERNAME, "created_at": schemas.TIME}, title="FriendRequest")


@blueprint.get("/search")
@login_required
@Operation(
    "Search people by name",
    scope=Scope.READ,
    required_query={"q": schemas.text("A part of the user name or of the display name.", least=SEARCH_LEAST, most=SEARCH_MOST)},
    answers={200: schemas.record({"users": schemas.list_of(FOUND, most=SEARCH_RESULTS)})},
)
def search() -> ResponseReturnValue:
    found = friend_search.search(current_user, request.args.get("q", ""))
    return {
        "users": [
            {"username": user.username, "display_name": user.display_name, "relation": relation} for user, relation in found
        ]
    }


@blueprint.get("/friends")
@login_required
@Operation(
    "Your friends, and who of them is live",
    scope=Scope.READ,
    answers={200: schemas.record({"friends": schemas.list_of(FRIEND)})},
)
def friends() -> ResponseReturnValue:
    found = relations.friends_of(current_user)
    online = presence.online(friend.id for friend in found)
    streams = stream_queries.on_air_streams(friend.id for friend in found)
    return {
        "friends": [
            {
                "username": friend.username,
                "display_name": friend.display_name,
                "online": friend.id in online,
                "last_seen": rfc3339(friend.last_seen_at) if friend.last_seen_at else None,
                "stream": serializers.as_json(streams[friend.id]) if friend.id in streams else None,
            }
            for friend in found
        ]
    }


@blueprint.delete("/friends/<username>")
@login_required
@Operation("End a friendship", scope=Scope.FRIENDS, answers={204: None})
def unfriend(username: str) -> ResponseReturnValue:
    friendships.unfriend(current_user, username)
    return "", 204


@blueprint.post("/friend-request/send")
@login_required
@Operation(
    "Ask somebody to be friends",
    scope=Scope.FRIENDS,
    body=schemas.body({"username": schemas.text(least=1, most=128)}),
    answers={201: REQUEST},
    errors=(404, 409, 429),
    about="Asking somebody who has asked you accepts.",
)
def send() -> ResponseReturnValue:
    return _state(friend_requests.send(current_user, JsonBody.of_request().text("username"))), 201


@blueprint.get("/friend-requests/pending")
@login_required
@Operation(
    "Open friend requests",
    scope=Scope.READ,
    answers={200: schemas.record({"received": schemas.list_of(OPEN_REQUEST), "sent": schemas.list_of(OPEN_REQUEST)})},
)
def pending() -> ResponseReturnValue:
    requests = friend_requests.requests_of(current_user)
    return {
        "received": [{**_when(received), "username": received.sender.username} for received in requests.received],
        "sent": [{**_when(sent), "username": sent.receiver.username} for sent in requests.sent],
    }


@blueprint.post("/friend-request/<request_id>/respond")
@login_required
@Operation(
    "Accept or reject a friend request",
    scope=Scope.FRIENDS,
    body=schemas.body({"action": schemas.one_of("accept", "reject")}),
    answers={200: REQUEST},
    errors=(409,),
)
def respond(request_id: str) -> ResponseReturnValue:
    action = JsonBody.of_request().choice("action", "accept", "reject")
    answer = friend_requests.accept if action == "accept" else friend_requests.reject
    return _state(answer(current_user, request_id))


@blueprint.delete("/friend-request/<request_id>")
@login_required
@Operation("Take a friend request back", scope=Scope.FRIENDS, answers={204: None}, errors=(409,))
def cancel(request_id: str) -> ResponseReturnValue:
    friend_requests.cancel(current_user, request_id)
    return "", 204


def _state(request: FriendRequest) -> dict[str, Any]:
    return {"id": request.id, "status": request.status}


def _when(request: FriendRequest) -> dict[str, Any]:
    return {"id": request.id, "created_at": rfc3339(request.created_at)}
