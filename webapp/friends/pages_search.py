"""Search for people by name."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.core.errors import Invalid
from webapp.friends import requests as friend_requests
from webapp.friends import search

blueprint = Blueprint("pages_search", __name__)


@blueprint.get("/search")
@login_required
def index() -> ResponseReturnValue:
    query, problem, found = request.args.get("q", "").strip(), "", []
    if query:
        try:
            found = search.search(current_user, query)
        except Invalid as error:
            problem = error.message
    requests = friend_requests.requests_of(current_user)
    request_ids = {asked.sender_id: asked.id for asked in requests.received}
    request_ids |= {asked.receiver_id: asked.id for asked in requests.sent}
    return render_template(
        "friends/search/index.html",
        query=query[: search.MAX_QUERY_LENGTH],
        problem=problem,
        found=found,
        request_ids=request_ids,
    ), 422 if problem else 200
