"""GET /api/openapi.json: the description of all this."""

from __future__ import annotations

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from webapp.openapi import operations
from webapp.openapi.operations import Operation

blueprint = Blueprint("api_description", __name__, url_prefix="/api")

DOCUMENT = {"type": "object", "required": ["openapi", "info", "paths"]}


@blueprint.get("/openapi.json")
@Operation("This document", login=False, answers={200: DOCUMENT})
def show() -> ResponseReturnValue:
    return operations.document(current_app)
