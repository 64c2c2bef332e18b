"""JSON: search, friends, friend requests."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint
from flask_login import current_user
from pydantic import Field
from typing_extensions import TypedDict

from webapp.friends import friendships, relations
from webapp.friends import requests as friend_requests
from webapp.friends import search as friend_search
from webapp.friends.search import MAX_QUERY_LENGTH, MAX_RESULTS, MIN_QUERY_LENGTH
from webapp.models import FriendRequest, rfc3339
from webapp.openapi.operations import operation
from webapp.openapi.schemas import CLEAN, Body, DisplayName, Id, OneOf, Query, Time, Username, checked_later
from webapp.openapi.scopes import Scope
from webapp.presence import presence
from webapp.streams import queries as stream_queries
from webapp.streams import serializers
from webapp.streams.schemas import Stream

blueprint = Blueprint("api_friends", __name__, url_prefix="/api")


PART_OF_A_NAME = "A part of the user name or of the display name."


class Search(Query):
    q: Annotated[str, checked_later(PART_OF_A_NAME, minLength=MIN_QUERY_LENGTH, maxLength=MAX_QUERY_LENGTH)]


class Person(TypedDict):
    username: Username
    display_name: DisplayName
    relation: Annotated[str, OneOf("self", "none", "sent", "received", "friend", "blocked")]


class People(TypedDict):
    users: Annotated[list[Person], Field(max_length=MAX_RESULTS)]


class Friend(TypedDict):
    username: Username
    display_name: DisplayName
    online: bool
    last_seen: Time | None
    stream: Stream | None


class Friends(TypedDict):
    friends: list[Friend]


class NewFriendRequest(Body):
    username: Annotated[str, Field(min_length=1, max_length=128), CLEAN]


class FriendRequestAnswer(Body):
    action: Literal["accept", "reject"]


class FriendRequestState(TypedDict):
    id: Id
    status: Annotated[str, OneOf("pending", "accepted", "rejected", "cancelled")]


class OpenFriendRequest(TypedDict):
    id: Id
    username: Username
    created_at: Time


class OpenFriendRequests(TypedDict):
    received: list[OpenFriendRequest]
    sent: list[OpenFriendRequest]


@blueprint.get("/search")
@operation(scope=Scope.READ, errors=(429,))
def search(query: Search) -> People:
    """Search people by name."""
    found = friend_search.search(current_user, query.q)
    return {
        "users": [
            {"username": user.username, "display_name": user.display_name, "relation": relation} for user, relation in found
        ]
    }


@blueprint.get("/friends")
@operation(scope=Scope.READ)
def friends() -> Friends:
    """Your friends, and who of them is live."""
    found = relations.faces_of_friends(current_user)
    online = presence.online(relations.friend_ids_query(current_user.id))
    streams = stream_queries.running_around(current_user)
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
@operation(scope=Scope.FRIENDS)
def unfriend(username: str) -> None:
    """End a friendship."""
    friendships.unfriend(current_user, username)


@blueprint.post("/friend-request/send")
@operation(scope=Scope.FRIENDS, status=201, errors=(404, 409, 429))
def send(body: NewFriendRequest) -> FriendRequestState:
    """Ask somebody to be friends.

    Asking somebody who has asked you accepts.
    """
    return _state(friend_requests.send(current_user, body.username))


@blueprint.get("/friend-requests/pending")
@operation(scope=Scope.READ)
def pending() -> OpenFriendRequests:
    """Open friend requests."""
    requests = friend_requests.requests_of(current_user)
    return {
        "received": [_open(received, received.sender.username) for received in requests.received],
        "sent": [_open(sent, sent.receiver.username) for sent in requests.sent],
    }


@blueprint.post("/friend-request/<request_id>/respond")
@operation(scope=Scope.FRIENDS, errors=(409,))
def respond(request_id: str, body: FriendRequestAnswer) -> FriendRequestState:
    """Accept or reject a friend request."""
    answer = friend_requests.accept if body.action == "accept" else friend_requests.reject
    return _state(answer(current_user, request_id))


@blueprint.delete("/friend-request/<request_id>")
@operation(scope=Scope.FRIENDS, errors=(409,))
def cancel(request_id: str) -> None:
    """Take a friend request back."""
    friend_requests.cancel(current_user, request_id)


def _state(request: FriendRequest) -> FriendRequestState:
    return {"id": request.id, "status": request.status}


def _open(request: FriendRequest, username: str) -> OpenFriendRequest:
    return {"id": request.id, "username": username, "created_at": rfc3339(request.created_at)}
