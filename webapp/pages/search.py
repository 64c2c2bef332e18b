"""Search for people by name."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import friendships
from webapp.errors import Invalid

blueprint = Blueprint("pages_search", __name__)


@blueprint.get("/search")
@login_required
def index() -> ResponseReturnValue:
    query, problem, found = request.args.get("q", "").strip(), "", []
    if query:
        try:
            found = friendships.search(current_user, query)
        except Invalid as error:
            problem = error.message
    requests = friendships.requests_of(current_user)
    request_ids = {asked.sender_id: asked.id for asked in requests.received}
    request_ids |= {asked.receiver_id: asked.id for asked in requests.sent}
    return render_template(
        "search/index.html", query=query[: friendships.SEARCH_MOST], problem=problem, found=found, request_ids=request_ids,
    ), 422 if problem else 200
